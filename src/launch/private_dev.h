/* launch/private_dev.h -- the /dev of PrivateDevices= (systemd.exec(5)): pseudo devices only. */
#pragma once

#define PRIVATE_DEV_NODES 6
#define PRIVATE_DEV_FOLDERS 4

struct private_dev {
    int nodes[PRIVATE_DEV_NODES];     /* the host's, O_PATH */
    int folders[PRIVATE_DEV_FOLDERS]; /* copies of the mounts below the host's /dev */
};

/* Opens what is taken over from the present /dev. */
void private_dev_open(struct private_dev *d);

/* Makes the new one at `path`. 0 or a negative errno. */
int private_dev_mount(struct private_dev *d, const char *path);
