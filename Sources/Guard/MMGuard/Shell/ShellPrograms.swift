/// The programs and builtins that are known by their names.
enum ShellPrograms {
    static func names(_ text: StaticString) -> Set<String> {
        Set(text.description.split(separator: " ").map(String.init))
    }

    /// Programs that only read, or change only the shell's own state.
    static let readers = names(
        """
        ls dir pwd echo printf cat tac head tail grep egrep fgrep zgrep rg ag wc sort uniq cut tr date cal whoami id groups \
        hostname uname arch nproc uptime df du free ps pgrep top htop printenv which whereis type file stat tree less more \
        zless diff cmp comm md5sum sha1sum sha256sum sha512sum b2sum cksum basename dirname realpath readlink test [ true \
        false sleep seq expr bc jq yq column nl rev fold fmt join paste od xxd hexdump strings ss netstat lsof lsblk lscpu \
        lsmod lspci lsusb dmesg journalctl last lastlog who w history man info help locale getent getconf tty stty clear \
        cd pushd popd dirs jobs wait exit return : set shopt ulimit umask export unset local declare typeset readonly read \
        shift getopts break continue hash let logout disown fg bg zcat bzcat xzcat look nslookup dig host ping traceroute \
        vmstat iostat mpstat pidof pstree fuser apropos whatis tput yes factor numfmt pathchk [[ setopt unsetopt compgen \
        complete mapfile readarray caller times suspend logger zipinfo atq
        """)

    /// Programs that use other rights, or change rights, users, mounts, services, kernel and firewall.
    static let privileged = names(
        """
        sudo doas su pkexec runuser chown chgrp useradd userdel usermod adduser deluser groupadd groupdel groupmod addgroup \
        delgroup passwd chpasswd gpasswd newusers visudo vipw vigr mount umount swapon swapoff insmod modprobe rmmod sysctl \
        iptables ip6tables nft ufw firewall-cmd setcap crontab at batch setenforce setfacl chattr shutdown reboot halt \
        poweroff init telinit kexec nsenter chroot unshare hostnamectl timedatectl localectl loginctl update-alternatives \
        ssh-copy-id ssh-add authconfig setsebool semanage auditctl capsh systemd-run machinectl ifconfig nmcli networkctl \
        resolvectl losetup fsck e2fsck tune2fs resize2fs xfs_repair xfs_admin dmsetup lvcreate lvextend lvresize vgcreate \
        pvcreate tc ethtool rfkill efibootmgr bootctl fwupdmgr depmod ldconfig edquota setquota apparmor_parser chage chsh \
        chfn faillock dpkg-reconfigure ifup ifdown route arp brctl iwconfig
        """)

    /// Package managers.
    static let software = names(
        """
        apt apt-get aptitude dpkg yum dnf rpm zypper apk pacman snap flatpak brew port emerge nix-env update-grub \
        grub-install nala dnf4 dnf5 microdnf tdnf yay paru pacaur trizen aura pikaur yaourt add-apt-repository apt-key \
        xbps-install xbps-remove eopkg urpmi urpme installpkg removepkg upgradepkg slackpkg opkg rpm-ostree swupd
        """)

    /// Programs that destroy data by nature.
    static let destroyers = names(
        """
        shred wipefs fdisk sfdisk cfdisk parted sgdisk gdisk blkdiscard mkswap mkfs mke2fs killall pkill wipe srm \
        cryptsetup lvremove vgremove pvremove mdadm debugfs hdparm dropdb killall5 trash-empty ipcrm tcpkill xkill fkill
        """)

    /// Programs that send data elsewhere or let others in.
    static let carriers = names(
        """
        scp sftp ftp lftp nc ncat netcat socat telnet ssh rsh rlogin rclone tftp ngrok cloudflared croc magic-wormhole \
        websocat ipfs np release-it gh-pages surge localtunnel lt pagekite bore frpc chisel gh glab twurl transfersh nxc crackmapexec
        """)

    /// Programs that send mail.
    static let mailers = names("mail mailx sendmail mutt neomutt msmtp swaks mutt s-nail ssmtp wall write")

    /// Programs that run a command in their arguments.
    static let wrappers = names(
        """
        env nice nohup timeout xargs time stdbuf setsid ionice chrt taskset prlimit setpriv watch strace ltrace flock \
        command builtin exec busybox toybox sudo doas pkexec runuser unbuffer parallel firejail proxychains proxychains4 torsocks \
        faketime chpst setuidgid runcon dbus-run-session dbus-launch xvfb-run cgexec numactl eatmydata fakeroot proot catchsegv \
        rlwrap systemd-inhibit systemd-run nocache ifne chronic hyperfine entr unshare nsenter chroot valgrind heaptrack \
        softlimit envdir setlock winpty stdbuf coproc nocorrect noglob rr gosu su-exec tini dumb-init catatonit s6-setuidgid \
        with-contenv aoss grc multitime torify tsocks linux32 linux64 i386 x86_64 setarch logsave tsp cpulimit aa-exec choom \
        systemd-cat daemonize daemon uclampset gamemoderun optirun primusrun caffeinate sem uftrace
        """)

    /// Wrappers that pass their words to a shell as one text.
    static let joiners = names("watch hyperfine entr parallel")

    /// Programs that start a command in their arguments, after words of their own.
    static let starters = names(
        """
        docker podman nerdctl kubectl oc lxc incus tmux screen uv poetry pipenv bundle conda mamba micromamba nix nix-shell \
        flatpak-spawn distrobox toolbox machinectl wsl ssh direnv mise asdf npm pnpm yarn bun cargo gdb perf strace ansible \
        fzf vagrant npx bunx uvx docker-compose compose crictl ctr multipass rustup pyenv rbenv nvm act \
        cabal codex task stack dune opam rye hatch pdm pixi devbox plymouth start-stop-daemon check_by_ssh \
        bwrap watchexec nodemon viddy systemd-nspawn doppler aws-vault chamber envchain honcho foreman ld.so
        """)

    /// Programs whose name in a text shows that it contains a command.
    static let noticed = names("rm rimraf shred mkfs wipefs blkdiscard mm truncate rmdir dd sudo")

    /// Programs that show the content of files.
    static let printers = names(
        """
        cat tac head tail less more grep egrep fgrep zgrep rg ag sort cut nl strings od xxd hexdump base64 base32 jq yq paste \
        fold rev awk gawk mawk sed bat batcat view curl scp nc
        """)

    /// Shells, which run texts as commands.
    static let shells = names("sh bash zsh dash ash ksh mksh fish rbash csh tcsh posh yash elvish nu xonsh osh sash")

    /// Interpreters, which run their input.
    static let interpreters = names(
        """
        python python2 python3 pypy pypy3 perl raku ruby node nodejs php lua luajit tclsh wish osascript pwsh powershell deno bun \
        Rscript julia groovy guile jshell elixir erl R octave octave-cli ghci ghc slsh jrunscript jjs gnuplot irb pry ipython ipython3 \
        kotlinc kotlin scala clojure clj racket sbcl clisp ocaml ginsh maxima
        """)

    /// Programs whose verbs only concern the current project: they add, remove and generate its own files, which they can generate again.
    /// Also programs whose first words are texts or files.
    static let verbless = names(
        """
        npm yarn pnpm bun swift pip pip3 pipenv poetry uv cargo composer bundle bundler gem dotnet go flutter dart mix rebar3 sbt gradle \
        gradlew mvn mvnw ant make gmake bmake ninja cmake meson bazel buck rake just invoke conda mamba rustup pyenv nvm \
        asdf mise rbenv tox nox pytest jest vitest tsc webpack vite eslint prettier ng rails django-admin awk gawk mawk sed \
        tldr cheat notify-send touch mkdir vim vi nano emacs code patch cpio tar zip unzip gzip
        """)

    /// Options of wrappers that take the next word.
    static let valueOptions: [String: Set<String>] = [
        "env": ["-u", "-C", "-S", "--unset", "--chdir", "--split-string"], "nice": ["-n"],
        "ionice": ["-c", "-n", "-p"],
        "timeout": ["-k", "-s", "--kill-after", "--signal"], "stdbuf": ["-i", "-o", "-e"],
        "xargs": [
            "-I", "-n", "-P", "-L", "-d", "-E", "-a", "-s", "--max-args", "--max-procs", "--max-lines", "--delimiter",
            "--arg-file", "--max-chars", "--process-slot-var",
        ], "watch": ["-n", "--interval"],
        "sudo": ["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "-R", "-T"], "doas": ["-u", "-C"],
        "time": ["-f", "-o", "--format", "--output"],
        "runuser": ["-u", "-g", "-G"], "taskset": ["-p"], "chrt": ["-p"], "flock": ["-w", "-E"],
        "strace": ["-e", "-o", "-p", "-s"], "ltrace": ["-e", "-o", "-p", "-s"], "parallel": ["-j"], "exec": ["-a"],
        "setpriv": [
            "--reuid", "--regid", "--ruid", "--euid", "--rgid", "--egid", "--groups", "--inh-caps", "--ambient-caps",
            "--bounding-set", "--securebits", "--selinux-label", "--apparmor-profile", "--pdeathsig",
        ],
    ]

    /// The number of words that wrappers take before the command.
    static let leadingWords: [String: Int] = ["timeout": 1, "flock": 1, "taskset": 1, "chrt": 1]

    /// Options of clients before their verb that take the next word.
    static let early = names(
        """
        -n --namespace --context --kubeconfig --cluster -s --server --as --token -H --host -c --config -l --log-level \
        --profile --region --output --query --endpoint-url --project --account --subscription --tenant --configuration \
        --format -o -p --project-name --stack -C --cwd --app -a -u --user -t --url --log-format -f --file
        """)

    /// Returns the words of a client that say what it does: the consecutive words before its options. The client's own options
    /// may precede them.
    static func verbs(_ words: [String]) -> [String] {
        var rest = words[...]
        while let first = rest.first, first.hasPrefix("-") {
            rest = rest.dropFirst(early.contains(first) ? 2 : 1)
        }
        return Array(rest.prefix { !$0.hasPrefix("-") })
    }

    /// Variables that make later commands load or run something else.
    static let loaders = names(
        """
        LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH BASH_ENV ENV PROMPT_COMMAND SHELLOPTS BASHOPTS ZDOTDIR PERL5OPT PYTHONSTARTUP \
        NODE_OPTIONS GIT_SSH GIT_SSH_COMMAND GIT_EXTERNAL_DIFF BASH_LOADABLES_PATH INPUTRC HISTFILE BASH_XTRACEFD \
        precmd_functions preexec_functions chpwd_functions periodic_functions zshexit_functions zshaddhistory_functions \
        command_not_found_handle PERL5LIB PERL5DB RUBYOPT RUBYLIB PYTHONPATH PYTHONHOME GIT_CONFIG_COUNT GIT_CONFIG_GLOBAL \
        GIT_CONFIG_SYSTEM GIT_CONFIG_PARAMETERS GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_DIR GIT_ASKPASS GIT_PROXY_COMMAND SSH_ASKPASS \
        TAR_OPTIONS MAKEFLAGS LESSKEYIN LESSKEY_CONTENT JAVA_TOOL_OPTIONS _JAVA_OPTIONS DYLD_INSERT_LIBRARIES
        """)

    /// Variables that a shell evaluates when it shows a prompt or a trace.
    static let prompts = names("PS0 PS1 PS2 PS3 PS4 PROMPT RPROMPT RPS1 PROMPT2 RPROMPT2 SPROMPT")

    /// Variables that contain a command for other programs to run.
    static let commandVariables = names(
        """
        PAGER MANPAGER GIT_PAGER LESS MORE LESSOPEN LESSCLOSE EDITOR VISUAL GIT_EDITOR GIT_SEQUENCE_EDITOR BROWSER RSYNC_RSH CVS_RSH \
        SVN_SSH FCEDIT SYSTEMD_PAGER SYSTEMD_EDITOR BAT_PAGER DELTA_PAGER SUDO_EDITOR FZF_DEFAULT_COMMAND FZF_DEFAULT_OPTS MANOPT \
        SUDO_ASKPASS KUBE_EDITOR PSQL_EDITOR PSQL_PAGER CC CXX SHELL
        """)

    /// Variables that programs always get, so that setting one is enough.
    static let inherited = names("PATH HOME SHELL PAGER MANPAGER GIT_PAGER LESSOPEN EDITOR VISUAL")

    /// Variables that only change how something is shown or parsed.
    static let showing = names(
        "LANG LANGUAGE TZ TERM COLUMNS LINES NO_COLOR CLICOLOR FORCE_COLOR IFS POSIXLY_CORRECT TIMEFORMAT")
}
