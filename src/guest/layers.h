#ifndef TENKI_LAYERS_H
#define TENKI_LAYERS_H

/* Mounts overlays where only argv, and what comes of it, sees them; then execs argv. Returns on failure only. */
int mount_layers_and_exec(int count, char **arguments);

#endif
