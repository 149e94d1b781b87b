import type { CommandGroup } from "../command.js";

/** The one list of commands. A command's module is loaded when it is chosen. */
export const commands: CommandGroup = {
  summary: "sandboxes for code that somebody else wrote",
  description:
    "Every command takes --help. The current session is the one that was created or set last; --session, and\n" +
    "TENKI_SESSION, name another.",
  commands: {
    login: { summary: "log in to a service", load: () => import("./login.js") },
    logout: { summary: "forget the token", load: () => import("./logout.js") },
    status: {
      summary: "show who is logged in, where, and the current session",
      load: () => import("./status.js"),
    },
    whoami: { summary: "show whom the token stands for", load: () => import("./whoami.js") },
    sandbox: {
      summary: "make sandboxes, run commands in them, and reach their files",
      aliases: ["sb", "sbx"],
      commands: {
        create: { summary: "make a session", aliases: ["new"], load: () => import("./sandbox/create.js") },
        list: { summary: "list sessions", aliases: ["ls"], load: () => import("./sandbox/list.js") },
        get: { summary: "show a session", load: () => import("./sandbox/get.js") },
        set: { summary: "make a session the current one", load: () => import("./sandbox/set.js") },
        update: { summary: "change a session", load: () => import("./sandbox/update.js") },
        wait: { summary: "wait until a session is ready", load: () => import("./sandbox/wait.js") },
        extend: { summary: "let a session live longer", load: () => import("./sandbox/extend.js") },
        pause: { summary: "stop a session where it stands", load: () => import("./sandbox/pause.js") },
        resume: { summary: "let a paused session go on", load: () => import("./sandbox/resume.js") },
        terminate: {
          summary: "end sessions",
          aliases: ["rm", "kill"],
          load: () => import("./sandbox/terminate.js"),
        },
        top: { summary: "show what sessions use of the machine", load: () => import("./sandbox/top.js") },
        usage: {
          summary: "show what is used of the workspace's limits",
          load: () => import("./sandbox/usage.js"),
        },
        settings: {
          summary: "show and change what holds for all sessions of the workspace",
          commands: {
            get: { summary: "show the settings", load: () => import("./sandbox/settings/get.js") },
            set: { summary: "change settings", load: () => import("./sandbox/settings/set.js") },
          },
        },
        exec: {
          summary: "run a command in a session",
          load: () => import("./sandbox/exec.js"),
          commands: {
            attach: {
              summary: "join a command that was detached",
              load: () => import("./sandbox/exec/attach.js"),
            },
            logs: { summary: "print the output of one", load: () => import("./sandbox/exec/logs.js") },
            wait: { summary: "wait until one has ended", load: () => import("./sandbox/exec/wait.js") },
            signal: { summary: "send a signal to one", load: () => import("./sandbox/exec/signal.js") },
            list: { summary: "list those of a session", load: () => import("./sandbox/exec/list.js") },
          },
        },
        run: {
          summary: "run a command in a session of its own, and terminate that",
          load: () => import("./sandbox/run.js"),
        },
        shell: { summary: "open a shell in a session", load: () => import("./sandbox/shell.js") },
        ssh: {
          summary: "log in to a session with ssh",
          load: () => import("./sandbox/ssh.js"),
          commands: {
            config: {
              summary: "let ssh find sessions by itself, as sbx-<id> and sbx-<name>",
              commands: {
                install: {
                  summary: "include tenki's part in the ssh config",
                  load: () => import("./sandbox/ssh/config/install.js"),
                },
                status: {
                  summary: "say whether it is installed, and up to date",
                  load: () => import("./sandbox/ssh/config/status.js"),
                },
                uninstall: {
                  summary: "take it out again",
                  load: () => import("./sandbox/ssh/config/uninstall.js"),
                },
              },
            },
          },
        },
        "ssh-command": {
          summary: "print the command line that logs in to a session",
          load: () => import("./sandbox/ssh-command.js"),
        },
        "ssh-proxy": {
          summary: "carry the bytes of an SSH connection, for ssh",
          load: () => import("./sandbox/ssh-proxy.js"),
        },
        "ssh-keys": {
          summary: "the keys that may log in to a session",
          commands: {
            set: { summary: "replace them", load: () => import("./sandbox/ssh-keys/set.js") },
          },
        },
        forward: {
          summary: "reach a port or socket inside a session from this machine",
          load: () => import("./sandbox/forward.js"),
        },
        tunnel: {
          summary: "make a host and port of this side reachable inside a session",
          load: () => import("./sandbox/tunnel.js"),
        },
        read: { summary: "print a file of a session, or save it", load: () => import("./sandbox/read.js") },
        write: { summary: "write a file of a session", load: () => import("./sandbox/write.js") },
        cp: {
          summary: "copy files into, out of and between sessions",
          load: () => import("./sandbox/cp.js"),
        },
        volume: {
          summary: "keep files beyond sessions, and share them",
          commands: {
            create: { summary: "make a volume", load: () => import("./sandbox/volume/create.js") },
            list: {
              summary: "list volumes",
              aliases: ["ls"],
              load: () => import("./sandbox/volume/list.js"),
            },
            get: {
              summary: "show a volume, and who has it",
              load: () => import("./sandbox/volume/get.js"),
            },
            update: { summary: "rename or tag a volume", load: () => import("./sandbox/volume/update.js") },
            resize: {
              summary: "give a volume another size",
              load: () => import("./sandbox/volume/resize.js"),
            },
            delete: {
              summary: "delete volumes, with what is on them",
              aliases: ["rm"],
              load: () => import("./sandbox/volume/delete.js"),
            },
            attach: {
              summary: "mount a volume in a running session",
              load: () => import("./sandbox/volume/attach.js"),
            },
            detach: {
              summary: "take a volume away from a session",
              load: () => import("./sandbox/volume/detach.js"),
            },
          },
        },
        snapshot: {
          summary: "keep the disk of a session as it is now, and make sessions of it",
          commands: {
            create: { summary: "take a snapshot", load: () => import("./sandbox/snapshot/create.js") },
            list: {
              summary: "list snapshots",
              aliases: ["ls"],
              load: () => import("./sandbox/snapshot/list.js"),
            },
            get: { summary: "show a snapshot", load: () => import("./sandbox/snapshot/get.js") },
            update: {
              summary: "rename or tag a snapshot, or say how long it stays",
              load: () => import("./sandbox/snapshot/update.js"),
            },
            delete: {
              summary: "delete snapshots",
              aliases: ["rm"],
              load: () => import("./sandbox/snapshot/delete.js"),
            },
            restore: {
              summary: "make a session of a snapshot",
              load: () => import("./sandbox/snapshot/restore.js"),
            },
            "download-url": {
              summary: "print a link to a snapshot",
              load: () => import("./sandbox/snapshot/download-url.js"),
            },
            export: {
              summary: "save what is on a snapshot as a tar",
              load: () => import("./sandbox/snapshot/export.js"),
            },
          },
        },
        fork: {
          summary: "make a session that begins as another is now",
          load: () => import("./sandbox/fork.js"),
        },
        expose: {
          summary: "make a port of a session reachable under a URL",
          load: () => import("./sandbox/expose.js"),
        },
        unexpose: { summary: "take that back", load: () => import("./sandbox/unexpose.js") },
        ports: { summary: "list the exposed ports of a session", load: () => import("./sandbox/ports.js") },
        "preview-url": {
          summary: "keep addresses that move from session to session",
          commands: {
            create: { summary: "make one", load: () => import("./sandbox/preview-url/create.js") },
            list: { summary: "list them", load: () => import("./sandbox/preview-url/list.js") },
            get: { summary: "show one", load: () => import("./sandbox/preview-url/get.js") },
            bind: {
              summary: "point one at a port of a session",
              load: () => import("./sandbox/preview-url/bind.js"),
            },
            unbind: {
              summary: "point one at nothing",
              load: () => import("./sandbox/preview-url/unbind.js"),
            },
            delete: { summary: "give one up", load: () => import("./sandbox/preview-url/delete.js") },
          },
        },
        git: {
          summary: "clone repositories in a session, and look at them",
          commands: {
            clone: { summary: "clone a repository", load: () => import("./sandbox/git/clone.js") },
            checkout: { summary: "check out a revision", load: () => import("./sandbox/git/checkout.js") },
            diff: { summary: "show changes", load: () => import("./sandbox/git/diff.js") },
            log: { summary: "show commits", load: () => import("./sandbox/git/log.js") },
            "fetch-pr": {
              summary: "fetch a pull request, and check it out",
              load: () => import("./sandbox/git/fetch-pr.js"),
            },
          },
        },
        fs: {
          summary: "look at and change the files of a session",
          commands: {
            ls: { summary: "list a directory", load: () => import("./sandbox/fs/ls.js") },
            stat: { summary: "show what is at a path", load: () => import("./sandbox/fs/stat.js") },
            mkdir: { summary: "make a directory", load: () => import("./sandbox/fs/mkdir.js") },
            rm: { summary: "remove files and directories", load: () => import("./sandbox/fs/rm.js") },
            mv: { summary: "rename a file or a directory", load: () => import("./sandbox/fs/mv.js") },
            cat: { summary: "print files", load: () => import("./sandbox/fs/cat.js") },
          },
        },
      },
    },
    engine: {
      summary: "run sandboxes on this machine",
      commands: {
        start: { summary: "start the engine", load: () => import("./engine/start.js") },
        stop: { summary: "stop it and leave its sessions running", load: () => import("./engine/stop.js") },
        restart: { summary: "stop it and start it again", load: () => import("./engine/restart.js") },
        status: { summary: "say whether it runs, and where", load: () => import("./engine/status.js") },
        logs: { summary: "print what it logged", load: () => import("./engine/logs.js") },
        doctor: {
          summary: "look at what it needs of this machine",
          load: () => import("./engine/doctor.js"),
        },
        token: { summary: "print its token", load: () => import("./engine/token.js") },
        "rotate-ca": {
          summary: "make a new authority for SSH certificates",
          load: () => import("./engine/rotate-ca.js"),
        },
      },
    },
    config: {
      summary: "read and change the settings",
      commands: {
        get: { summary: "print one setting", load: () => import("./config/get.js") },
        set: { summary: "change one setting", load: () => import("./config/set.js") },
        list: { summary: "print all settings, with secrets blanked", load: () => import("./config/list.js") },
        path: { summary: "print where the settings are", load: () => import("./config/path.js") },
      },
    },
    completion: { summary: "print a completion script for a shell", load: () => import("./completion.js") },
    version: { summary: "print the version", load: () => import("./version.js") },
  },
};
