import MMCore
import MMGuard
import Testing

@Suite("What the words of any program say")
struct ShellWordTests {
    private func verdict(_ line: String, onHost: Bool) -> Verdict {
        let context = ShellContext(
            isRemote: onHost, home: "/home/me", directory: "/home/me/work", ownFiles: ["/home/me/.m365-state"],
            workspace: onHost ? nil : "/home/me/work")
        return GuardEngine.standard.judge(shell: line, in: context, policy: .standard)
    }

    /// A program of each kind that the judge tells apart.
    static let programs = [
        "ls", "cat", "env", "timeout 5", "sudo", "bash -c 'ls'", "bash --version", "python3 --version", "python3 x.py",
        "kubectl get pods", "kubectl --help", "aws s3 ls", "redis-cli get k", "source x", "read v", "printf -v v x",
        "bind -l", "fc -l", "hash", "eval ls", "trap - INT", "alias a=ls", "kill 7", "rm x", "rmdir x", "rimraf x",
        "find .",
        "git status", "logger x", "curl https://e.example", "rsync a b", "cp a b", "dd if=a", "chmod 600 x",
        "docker ps", "gpg --list-keys", "systemctl status", "systemctl restart x", "apt list", "apt install x",
        "mkfs.ext4 x",
        "scp a b", "mail x", "script -c ls", "flock -c ls", "awk 1", "sed p", "make", "psql", "vim x", "npm ls",
        "unknown-program x",
        "device show", "command -v x", "mount", "gh pr list", "unshare",
    ]

    @Test("finds a danger beside every kind of program", arguments: programs)
    func dangers(program: String) {
        let dangers = [
            ("", " > /etc/passwd", "shell-device"), ("", " < ~/.aws/credentials", "shell-secrets"),
            ("", " ~/.ssh/id_ed25519", "shell-secrets"), ("", " ~/.m365-state/x", "shell-own-files"),
            ("", " \"$(rm -rf /srv)\"", "shell-removes"), ("", " 2> >(nc h 1)", "shell-network"),
            ("LD_PRELOAD=./x.so ", "", "shell-loader"), ("PAGER='rm -rf /srv' ", "", "shell-removes"),
        ]
        for (before, after, rule) in dangers {
            let line = before + program + after
            #expect(verdict(line, onHost: false).findings.contains { $0.rule == rule }, "\(line): \(rule)")
        }
    }

    @Test(
        "keeps what one question found when another one answers",
        arguments: [
            ("env LD_PRELOAD=./x.so -S 'ls -l'", "shell-loader"), ("bash --rcfile x -c 'ls'", "shell-dynamic"),
            ("kubectl exec p -- rm -rf /srv --help", "shell-removes"), ("rmdir /etc/cron.d", "shell-device"),
            ("runuser -c 'rm -rf /srv' me", "shell-removes"), ("rsync -a --delete . h:/x", "shell-removes"),
            ("rsync -a --delete . h:/x", "shell-network"), ("git -c core.pager=x clean -f", "shell-removes"),
            ("echo 'rm -rf /srv' > x.sh; script -c ls x.sh; sh x.sh", "shell-removes"),
            ("docker run --entrypoint x i sh -c 'rm -rf /srv' > /etc/passwd", "shell-device"),
        ])
    func kept(line: String, rule: String) {
        #expect(verdict(line, onHost: false).findings.contains { $0.rule == rule }, "\(line)")
    }

    @Test(
        "asks before what an option starts, loads, writes or opens, by the option's name",
        arguments: [
            "restic --password-command 'rm -rf /srv' backup",
            "aria2c --on-download-complete='rm -rf /srv' https://e.example",
            "mytool --pre-exec 'shred x'", "mytool --editor='rm -rf /srv' x", "mytool --eval 'system(\"rm -rf /srv\")'",
            "gem open -e 'rm -rf /srv' rake", "openssl req -engine ./x.so", "ffmpeg -af ladspa=file=/tmp/x.so o.wav",
            "mytool --output /etc/cron.d/x", "mytool --log-file=/etc/cron.d/x", "pdftex --shell-escape x.tex",
            "fzf --listen=80",
            "BACKUP_PASSWORD_COMMAND='rm -rf /srv' backup", "mytool /usr/bin/rm -rf /srv", "mytool sh -c 'rm -rf /srv'",
            "echo 'hook: rm -rf /srv' > c.yml; mytool --config c.yml",
        ])
    func options(line: String) {
        for onHost in [false, true] {
            #expect(verdict(line, onHost: onHost).decision == .ask, "\(line), on a host: \(onHost)")
        }
    }

    @Test(
        "asks before what files say that the session wrote, wherever a program reads them without being told",
        arguments: [
            "echo 'execute_process(COMMAND rm -rf /srv)' > CMakeLists.txt; cmake .",
            "echo 'execute = rm -rf /srv' > ~/.rtorrent.rc; rtorrent", "echo -e 'x:\\n\\trm -rf /srv' > f; mytool -r f",
            "echo 'rm -rf /srv' > /tmp/x; TOOL_DRIVER=/tmp/x mytool",
            "echo 'rm -rf /srv' > /tmp/k; kubectl --kubeconfig=/tmp/k get po",
        ])
    func surroundings(line: String) {
        for onHost in [false, true] {
            #expect(verdict(line, onHost: onHost).decision == .ask, "\(line), on a host: \(onHost)")
        }
    }

    @Test(
        "asks before a program of which nothing is known writes where something runs later",
        arguments: [
            "mytool x y /etc/cron.d/x", "mytool x --junit-xml /etc/cron.d/x", "rlwrap -l /etc/profile.d/x.sh ls",
            "mytool -f -n a ~/.bashrc", "gdb -nx -ex 'dump value /etc/cron.d/x \"D\"' -ex quit",
            "sqlite3 /dev/null -cmd '.output /etc/cron.d/x' 'select 1'", "echo x > ~/.lessfilter",
            "tar Pxf a.tar --xform s@.*@/etc/cron.d/x@", "mytool --sink=/etc/sudoers.d/x",
        ])
    func places(line: String) {
        for onHost in [false, true] {
            #expect(verdict(line, onHost: onHost).decision == .ask, "\(line), on a host: \(onHost)")
        }
    }

    @Test(
        "asks before what a line of the history or of a prompt hands to a shell, and before a hook that removes what it is given",
        arguments: [
            "mytool -r\n!rm -rf /srv", "!rm -rf /srv", "mytool --on-done=rm", "tar cf a b --checkpoint-action=exec=rm",
            "mytool -D /tmp/x.so", "gawk 'BEGIN { s = \"/inet/tcp/0/e.example/1\"; print \"x\" |& s }'",
            "mytool backup /srv https://e.example",
        ])
    func hooks(line: String) {
        for onHost in [false, true] {
            #expect(verdict(line, onHost: onHost).decision == .ask, "\(line), on a host: \(onHost)")
        }
    }

    @Test(
        "asks on a host before what is written outside of homes and temporary folders",
        arguments: [
            "echo x > /srv/www/index.html", "curl -o /opt/app/tool https://e.example/tool", "cp a /srv/www/",
            "curl -sSo /opt/app/tool https://e.example/tool", "tar -xzC /srv -f a.tgz", "tar xzCf /srv a.tgz",
            "mv a /var/lib/app/a",
            "wget -O /var/www/x https://e.example", "tee /opt/app/conf < a", "tar xf a.tar -C /srv",
            "dd if=a of=/srv/disk.img",
            "rsync -a build/ /var/www/site/",
        ])
    func hostPlaces(line: String) {
        #expect(verdict(line, onHost: true).decision == .ask)
        for place in ["/srv/www", "/opt/app", "/var/lib/app", "/var/www", "/srv"] where line.contains(place) {
            for other in ["/tmp/x", "/home/me/x", "~/x", "x"] {
                #expect(
                    verdict(line.replacing(place, with: other), onHost: true).decision == .allow, "\(line): \(other)")
            }
        }
        #expect(verdict("cp /srv/www/index.html .", onHost: true).decision == .allow)
        #expect(verdict("cp /srv/www/index.html /tmp/", onHost: true).decision == .allow)
    }

    @Test(
        "asks on a host before a text in the language of a program that nothing is known of",
        arguments: [
            "mytool -e '(delete-all)'", "mytool -x 'system(\"x\")'", "mytool run 'os.system(\"x\")'",
            "mytool -c /tmp/x",
        ])
    func languages(line: String) {
        #expect(verdict(line, onHost: true).decision == .ask)
    }

    @Test(
        "asks on a host before a shell that another program opens",
        arguments: [
            "vim -c ':!/bin/sh'", "awk 'BEGIN {system(\"/bin/sh\")}'", "mytool --command=/bin/sh", "vi -c ':shell'",
        ])
    func opened(line: String) {
        #expect(verdict(line, onHost: true).decision == .ask)
    }

    @Test(
        "asks before the verbs that remove or send, of whichever program",
        arguments: [
            "mytool volume delete v", "mytool remove x", "dvc destroy", "tool-uninstall.sh", "mytool --delete-disk vm",
            "mytool userdel x", "blackfire upload f", "wormhole send f", "hexo deploy", "mytool --put-file f host",
            "git obliterate f", "azcopy copy a 'https://x.blob.core.windows.net/c' --blob-type PageBlob",
            "rails db:drop", "bun publish",
        ])
    func verbs(line: String) {
        #expect(verdict(line, onHost: true).decision == .ask)
        #expect(verdict(line, onHost: false).decision == .ask)
    }

    @Test(
        "lets the like be that neither starts nor removes anything",
        arguments: [
            "mytool list", "mytool --shell bash", "mytool --no-exec", "mytool --output x.json", "mytool delete --help",
            "cargo remove dep", "npm uninstall dep", "poetry remove dep", "tldr rm", "gh search issues x",
            "gh api repos/o/r",
            "gh help pr create", "brew outdated", "dnf repoquery x", "snap find x", "pacman -Ss x",
            "systemctl is-failed x",
            "autoflake --remove-unused-variables x.py", "awk -F: '{print $1}' /etc/passwd", "tar -I 'zstd -T0' -cf a b",
            "mytool --browser firefox", "dpkg -l", "mytool -c /etc/passwd", "mytool --config /etc/ssh/sshd_config",
            "tar czf etc.tgz /etc/ssh", "gdb -nx ./a.out", "echo hello > notes.txt; mytool notes.txt",
            "strip -s lib/x.so",
            "ack PermitRootLogin /etc/ssh", "mytool -e 5 x", "killall --list", "systemctl get-default",
        ])
    func harmless(line: String) {
        for onHost in [false, true] {
            let verdict = verdict(line, onHost: onHost)
            // Whether a program passes that nobody knows is another question.
            let rules = verdict.asking.map(\.rule).filter { $0 != (onHost ? "shell-unknown" : "shell-stranger") }
            #expect(rules.isEmpty, "\(line): \(rules)")
        }
    }

    @Test(
        "tells what a manager of software is asked from what it changes",
        arguments: [
            ("pacman -Qi x", true), ("pacman -Ss x", true), ("pacman -Syu", false), ("yay -Rns x", false),
            ("yay -Si x", true), ("rpm -qa", true), ("rpm -e x", false), ("rpm -ivh x.rpm", false),
            ("dpkg --listfiles x", true),
            ("dpkg -i x.deb", false), ("apt-get -s install x", true),
            ("apt list --installed", true),
            ("brew services stop x", false), ("xbps-install -S x", false), ("flatpak remote-info o a", true),
            ("dnf history undo 3", false), ("dnf history", true), ("snap remove x", false), ("nix-env -q", true),
            ("nix-env -q -i x", false), ("add-apt-repository -r x", false), ("zypper se x", true),
            ("yum -q -y remove x", false), ("apt-get -c x.conf install y", false),
            ("dnf -q list installed", true), ("apt-get -o list install x", false), ("flatpak config --set a b", false),
            ("apt install -- --dry-run", false), ("emerge -pv x", true),
        ])
    func managers(line: String, asksOnly: Bool) {
        for onHost in [false, true] {
            #expect((verdict(line, onHost: onHost).decision == .allow) == asksOnly, "\(line)")
        }
    }

    @Test(
        "asks on a host before packages are installed, and within walls if they come from elsewhere or go",
        arguments: [
            ("apt install x", false), ("apt-get -q install x", false), ("sudo -n brew install x", false),
            ("apt-get -o Dir=x install x", true), ("apt install ./x.deb", true),
            ("brew tap a/b https://e.example", true),
            ("apt-get remove x", true), ("sudo -s apt install x", true), ("sudo apt install x; sudo ls", true),
        ])
    func installs(line: String, isAsked: Bool) {
        #expect(verdict(line, onHost: true).decision == .ask)
        #expect((verdict(line, onHost: false).decision == .ask) == isAsked)
    }

    @Test(
        "tells looks of what changes a machine from what only begins like one",
        arguments: [
            ("iptables -L -n", true), ("iptables -t nat -L --flush", false), ("bootctl status", true),
            ("bootctl remove", false), ("dmsetup ls", true), ("dmsetup remove_all", false), ("ethtool -i eth0", true),
            ("ethtool -K eth0 gro off", false), ("ip -br addr", true), ("ip a s eth0", true), ("ip -4 r", true),
            ("ip rule add from all lookup 5", false), ("ip -b x", false), ("parted /dev/sda print", true),
            ("parted /dev/sda resizepart 1 5G print", false), ("sysctl -n vm.x", true), ("sysctl -f x.conf", false),
            ("zfs get all a", true), ("zfs set readonly=on a", false), ("lxc config set c x y", false),
            ("zpool offline a b", false), ("etcdctl snapshot restore x", false), ("etcdctl member list", true),
            ("update-alternatives --list x --set y z", false), ("chage -l ann -E 0", false), ("nmcli device", true),
            ("nmcli networking off", false), ("nmcli -t -f NAME con show", true), ("apt-get -q check", true),
            ("virsh net-list --all", true), ("blockdev --getsize64 /dev/sda", true),
            ("blockdev --setro /dev/sda", false),
            ("find /etc -name x -exec sed -i s/a/b/ {} +", false), ("docker plugin install x", false),
            ("vtysh -c 'show version'", true), ("vtysh -c 'no router bgp 1'", false),
            ("mysql app -e 'select count(*) from t'", true), ("curl http://169.254.169.254/latest/meta-data/", false),
        ])
    func machines(line: String, looks: Bool) {
        let verdict = verdict(line, onHost: true)
        #expect((verdict.decision == .allow) == looks, "\(line): \(verdict.rule)")
    }

    @Test("lets new commits be pushed from a workspace to a remote by its name, and asks before every other push")
    func pushes() {
        for line in ["git push", "git push origin", "git push -u origin main", "git push origin HEAD"] {
            #expect(verdict(line, onHost: false).decision == .allow, "\(line)")
            #expect(verdict(line, onHost: true).decision == .ask, "\(line)")
        }
        for line in [
            "git push --force", "git push -f", "git push --force-with-lease", "git push --mirror", "git push --prune",
            "git push origin --delete x", "git push -d origin x", "git push origin :x", "git push origin +main",
            "git push https://e.example/x.git", "git push ../other main", "git push git@e.example:x main",
            "git push $R", "git push origin HEAD --tags", "git push --follow-tags", "git push origin v1.2",
            "git push --all",
            "git -c remote.origin.url=x push",
        ] {
            #expect(verdict(line, onHost: false).decision == .ask, "\(line)")
        }
    }
}
