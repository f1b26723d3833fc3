/// What is known of programs and builtins by their names.
enum ShellPrograms {
    private static func names(_ text: StaticString) -> Set<String> {
        Set(text.description.split(separator: " ").map(String.init))
    }

    /// Those that only look, or change nothing but the shell's own state.
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
        complete mapfile readarray caller times suspend logger zipinfo
        """)

    /// Those that act with other rights, or change rights, users, mounts, services, kernel and firewall.
    static let privileged = names(
        """
        sudo doas su pkexec runuser chown chgrp useradd userdel usermod adduser deluser groupadd groupdel groupmod addgroup \
        delgroup passwd chpasswd gpasswd newusers visudo vipw vigr mount umount swapon swapoff insmod modprobe rmmod sysctl \
        iptables ip6tables nft ufw firewall-cmd setcap crontab at batch setenforce setfacl chattr shutdown reboot halt \
        poweroff init telinit kexec nsenter chroot unshare hostnamectl timedatectl localectl loginctl update-alternatives \
        ssh-copy-id ssh-add authconfig setsebool semanage auditctl capsh systemd-run machinectl
        """)

    /// Managers of software.
    static let software = names(
        """
        apt apt-get aptitude dpkg yum dnf rpm zypper apk pacman snap flatpak brew port emerge nix-env update-grub \
        grub-install
        """)

    /// Those that destroy by nature.
    static let destroyers = names(
        """
        shred wipefs fdisk sfdisk cfdisk parted sgdisk gdisk blkdiscard mkswap mkfs mke2fs killall pkill wipe srm \
        cryptsetup lvremove vgremove pvremove mdadm debugfs hdparm dropdb
        """)

    /// Those that carry data elsewhere or let others in.
    static let carriers = names(
        """
        scp sftp ftp lftp nc ncat netcat socat telnet ssh rsh rlogin rclone tftp ngrok cloudflared croc magic-wormhole \
        websocat gh glab
        """)

    /// Those that send mail.
    static let mailers = names("mail mailx sendmail mutt neomutt msmtp swaks mutt s-nail ssmtp")

    /// Those that run a command that stands in their arguments.
    static let wrappers = names(
        """
        env nice nohup timeout xargs time stdbuf setsid ionice chrt taskset prlimit setpriv watch strace ltrace flock \
        command builtin exec busybox sudo doas pkexec runuser unbuffer parallel firejail proxychains torsocks faketime
        """)

    /// Shells, which run texts.
    static let shells = names("sh bash zsh dash ash ksh mksh fish rbash csh tcsh")

    /// Interpreters, which run what they are fed.
    static let interpreters = names(
        "python python2 python3 perl ruby node nodejs php lua tclsh osascript pwsh powershell deno bun Rscript")

    /// Options of wrappers that take the next word.
    static let valueOptions: [String: Set<String>] = [
        "env": ["-u", "-C", "-S", "--unset", "--chdir", "--split-string"], "nice": ["-n"],
        "ionice": ["-c", "-n", "-p"],
        "timeout": ["-k", "-s", "--kill-after", "--signal"], "stdbuf": ["-i", "-o", "-e"],
        "xargs": ["-I", "-n", "-P", "-L", "-d", "-E", "-a", "-s"], "watch": ["-n", "--interval"],
        "sudo": ["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "-R", "-T"], "doas": ["-u", "-C"],
        "runuser": ["-u", "-g", "-G"], "taskset": ["-p"], "chrt": ["-p"], "flock": ["-w", "-E"],
        "strace": ["-e", "-o", "-p", "-s"], "ltrace": ["-e", "-o", "-p", "-s"], "parallel": ["-j"], "exec": ["-a"],
        "setpriv": [
            "--reuid", "--regid", "--ruid", "--euid", "--rgid", "--egid", "--groups", "--inh-caps", "--ambient-caps",
            "--bounding-set", "--securebits", "--selinux-label", "--apparmor-profile", "--pdeathsig",
        ],
    ]

    /// Wrappers with a first word of their own before the command.
    static let leadingWords: [String: Int] = ["timeout": 1, "flock": 1, "taskset": 1, "chrt": 1]

    /// Variables that make later commands load or run something else.
    static let loaders = names(
        """
        LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH BASH_ENV ENV PROMPT_COMMAND PS4 SHELLOPTS BASHOPTS ZDOTDIR PERL5OPT PYTHONSTARTUP \
        NODE_OPTIONS GIT_SSH GIT_SSH_COMMAND GIT_EXTERNAL_DIFF
        """)

    /// Variables that programs are handed in any case: setting one is enough.
    static let inherited = names("PATH HOME SHELL PAGER MANPAGER GIT_PAGER LESSOPEN EDITOR VISUAL")

    /// Variables that change how something is shown, or taken apart, and nothing else.
    static let showing = names(
        "LANG LANGUAGE TZ TERM COLUMNS LINES NO_COLOR CLICOLOR FORCE_COLOR IFS POSIXLY_CORRECT TIMEFORMAT")
}
