/* view.h - the page that draws the bars. */
#ifndef CHART_VIEW_H
#define CHART_VIEW_H

extern const char chart_view[];

#endif
