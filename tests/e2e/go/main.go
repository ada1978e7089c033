// A server made with the official Go SDK, with one of everything: what gantry's client is tried on.
//
//	server stdio | http | stateless | sse
//
// Each but the first says its URL on standard error.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A pixel, as PNG.
var pixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00" +
	"\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89" +
	"\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82")

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
}

type nothing struct{}

type person struct {
	Name string `json:"name" jsonschema:"who it is"`
}

type steps struct {
	Steps int `json:"steps"`
}

type address struct {
	URI string `json:"uri"`
}

type weather struct {
	Degrees int    `json:"degrees"`
	Sky     string `json:"sky"`
}

func addCalls(s *mcp.Server) {
	mcp.AddTool(s, &mcp.Tool{Name: "greet", Description: "Greets a person"},
		func(_ context.Context, _ *mcp.CallToolRequest, in person) (*mcp.CallToolResult, any, error) {
			return text("Hello, " + in.Name + "!"), nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "weather", Description: "Has a structured result"},
		func(_ context.Context, _ *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, weather, error) {
			return nil, weather{Degrees: 21, Sky: "clear"}, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "fail", Description: "Fails"},
		func(_ context.Context, _ *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			return nil, nil, fmt.Errorf("on purpose")
		})
	mcp.AddTool(s, &mcp.Tool{Name: "picture", Description: "Has an image"},
		func(_ context.Context, _ *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{
				&mcp.ImageContent{Data: pixel, MIMEType: "image/png"},
				&mcp.ResourceLink{URI: "doc://about", Name: "about"},
			}}, nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "count", Description: "Tells of its progress"},
		func(ctx context.Context, r *mcp.CallToolRequest, in steps) (*mcp.CallToolResult, any, error) {
			for i := 1; i <= in.Steps; i++ {
				if token := r.Params.GetProgressToken(); token != nil {
					r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token,
						Progress: float64(i), Total: float64(in.Steps), Message: fmt.Sprint("step ", i)})
				}
			}
			return text(fmt.Sprint("counted to ", in.Steps)), nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "log", Description: "Logs"},
		func(ctx context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			r.Session.Log(ctx, &mcp.LoggingMessageParams{Level: "warning", Logger: "go", Data: "hear hear"})
			return text("logged"), nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "region", Description: "Has an argument that is mirrored in a header",
		InputSchema: &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{
			"region": {Type: "string", Extra: map[string]any{"x-mcp-header": "Region"}}}}},
		func(_ context.Context, r *mcp.CallToolRequest, in map[string]any) (*mcp.CallToolResult, any, error) {
			header := "none"
			if r.Extra != nil && r.Extra.Header != nil {
				header = r.Extra.Header.Get("Mcp-Param-Region")
			}
			return text(fmt.Sprint(in["region"], " ", header)), nil, nil
		})
}

func addQuestions(s *mcp.Server) {
	mcp.AddTool(s, &mcp.Tool{Name: "ask", Description: "Asks the person"},
		func(_ context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			if answer, ok := r.Params.InputResponses["who"].(*mcp.ElicitResult); ok {
				return text(fmt.Sprint(answer.Action, " ", answer.Content["name"])), nil, nil
			}
			return &mcp.CallToolResult{RequestState: "asked", InputRequests: mcp.InputRequestMap{
				"who": &mcp.ElicitParams{Message: "Who are you?", RequestedSchema: &jsonschema.Schema{
					Type:       "object",
					Properties: map[string]*jsonschema.Schema{"name": {Type: "string"}},
					Required:   []string{"name"}}}}}, nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "sample", Description: "Asks the model"},
		func(_ context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			if answer, ok := r.Params.InputResponses["model"]; ok {
				return text(said(answer)), nil, nil
			}
			return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{
				"model": &mcp.CreateMessageParams{MaxTokens: 10, Messages: []*mcp.SamplingMessage{
					{Role: "user", Content: &mcp.TextContent{Text: "Say something"}}}}}}, nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "roots", Description: "Asks for the roots"},
		func(_ context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			if answer, ok := r.Params.InputResponses["roots"].(*mcp.ListRootsResult); ok {
				var names []string
				for _, root := range answer.Roots {
					names = append(names, root.Name+"="+root.URI)
				}
				return text(strings.Join(names, " ")), nil, nil
			}
			return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{
				"roots": &mcp.ListRootsParams{}}}, nil, nil
		})
}

func said(answer mcp.InputResponse) string {
	switch a := answer.(type) {
	case *mcp.CreateMessageResult:
		return fmt.Sprint(a.Model, ": ", a.Content.(*mcp.TextContent).Text)
	case *mcp.CreateMessageWithToolsResult:
		return fmt.Sprint(a.Model, ": ", a.Content[0].(*mcp.TextContent).Text)
	}
	return fmt.Sprintf("%T", answer)
}

func addChanges(s *mcp.Server) {
	mcp.AddTool(s, &mcp.Tool{Name: "touch", Description: "Says that a resource has changed"},
		func(ctx context.Context, _ *mcp.CallToolRequest, in address) (*mcp.CallToolResult, any, error) {
			err := s.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: in.URI})
			return text("touched"), nil, err
		})
	mcp.AddTool(s, &mcp.Tool{Name: "learn", Description: "Adds a tool"},
		func(_ context.Context, _ *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			mcp.AddTool(s, &mcp.Tool{Name: "learnt"},
				func(context.Context, *mcp.CallToolRequest, nothing) (*mcp.CallToolResult, any, error) {
					return text("new"), nil, nil
				})
			return text("learnt"), nil, nil
		})
}

func read(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	contents := &mcp.ResourceContents{URI: r.Params.URI, MIMEType: "text/plain", Text: r.Params.URI}
	if r.Params.URI == "doc://pixel" {
		contents = &mcp.ResourceContents{URI: r.Params.URI, MIMEType: "image/png", Blob: pixel}
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{contents}}, nil
}

func addRest(s *mcp.Server) {
	s.AddResource(&mcp.Resource{URI: "doc://about", Name: "about", MIMEType: "text/plain"}, read)
	s.AddResource(&mcp.Resource{URI: "doc://pixel", Name: "pixel", MIMEType: "image/png"}, read)
	s.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: "doc://page/{n}", Name: "page"}, read)
	s.AddPrompt(&mcp.Prompt{Name: "greeting", Arguments: []*mcp.PromptArgument{
		{Name: "name", Required: true}}},
		func(_ context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{{Role: "user",
				Content: &mcp.TextContent{Text: "Greet " + r.Params.Arguments["name"]}}}}, nil
		})
}

func complete(_ context.Context, r *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
	var values []string
	for _, name := range []string{"Ada", "Alan", "Grace"} {
		if strings.HasPrefix(name, r.Params.Argument.Value) {
			values = append(values, name)
		}
	}
	return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: values}}, nil
}

func agree[T any](context.Context, T) error { return nil }

func main() {
	s := mcp.NewServer(&mcp.Implementation{Name: "go", Version: "1"}, &mcp.ServerOptions{
		CompletionHandler: complete, SubscribeHandler: agree[*mcp.SubscribeRequest],
		UnsubscribeHandler: agree[*mcp.UnsubscribeRequest], PageSize: 3})
	addCalls(s)
	addQuestions(s)
	addChanges(s)
	addRest(s)
	if os.Args[1] == "stdio" {
		if err := s.Run(context.Background(), &mcp.StdioTransport{}); err != nil {
			os.Exit(1)
		}
		return
	}
	server := func(*http.Request) *mcp.Server { return s }
	var handler http.Handler = mcp.NewStreamableHTTPHandler(server,
		&mcp.StreamableHTTPOptions{Stateless: os.Args[1] == "stateless"})
	if os.Args[1] == "sse" {
		handler = mcp.NewSSEHandler(server, nil)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stderr, "http://%s/\n", listener.Addr())
	http.Serve(listener, handler)
}
