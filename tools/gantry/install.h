/* install.h - what gantry install enters.
 */
#ifndef GANTRY_INSTALL_H
#define GANTRY_INSTALL_H

#include "cli.h"
#include "known.h"
#include "json/json.h"

/* The name and the entry that the words and options stand for, in the shape that the client has. 0,
 * or an exit code after the reason was printed. *ret_name is owned. */
int gn_install_entry(const struct gn_cli *cli, const struct gn_cli_args *args,
                     const struct gn_known_client *kind, char **ret_name,
                     struct gn_json_doc *ret_entry);

#endif
