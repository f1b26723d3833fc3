import MMCore

extension RemoteDialect {
    /// What is started in a terminal over there: it tells the terminal's name, lets go of it where it can, and waits until
    /// the terminal is gone. Who has let go of a terminal is not told of its end, and looks.
    ///
    /// Only the first process of a terminal's session can let it go (tty_ioctl(4), TIOCNOTTY), for which it takes a language
    /// with system calls. `1` says that it did.
    static let holdingTerminal: String = {
        let perl =
            #"$SIG{HUP}="IGNORE"; $r=ioctl(STDIN,0x5422,0)?1:0; $|=1; print "mm-terminal $ARGV[0] $r\n"; sleep 2 while -t STDIN"#
        let python =
            "import fcntl,os,signal,sys,time\nsignal.signal(signal.SIGHUP,signal.SIG_IGN)\nfcntl.ioctl(0,0x5422)\n"
            + #"os.write(1,("mm-terminal "+sys.argv[1]+" 1\n").encode())"# + "\nwhile os.isatty(0): time.sleep(2)"
        let script = """
            trap '' HUP INT QUIT TSTP; t=$(tty) || exit 1; stty -echo; if [ "$(uname)" = Linux ]; then \
            perl -e 1 </dev/null >/dev/null 2>&1 && exec perl -e \(quoted(perl)) "$t"; \
            python3 -c 1 </dev/null >/dev/null 2>&1 && exec python3 -c \(quoted(python)) "$t"; fi; \
            echo "mm-terminal $t 0"; while [ -t 0 ]; do sleep 2; done
            """
        return "exec /bin/sh -c " + quoted(script)
    }()

    /// What the process in the terminal told; nil before it has.
    static func terminal(in said: [UInt8]) -> (path: String, isFree: Bool)? {
        let text = String(decoding: said, as: UTF8.self)
        for line in text.split(whereSeparator: \.isNewline).dropLast(text.hasSuffix("\n") ? 0 : 1) {
            let words = line.split(separator: " ")
            // The name is written into lines that the shell reads.
            guard words.count == 3, words[0] == "mm-terminal", words[1].hasPrefix("/dev/"),
                words[1].utf8.allSatisfy({ byte in
                    byte == 0x2F || byte == 0x2E || (0x30...0x39).contains(byte)
                        || (0x61...0x7A).contains(byte | 0x20)
                })
            else { continue }
            return (String(words[1]), words[2] == "1")
        }
        return nil
    }

    /// The streams of a command that reads a terminal.
    static func streams(_ input: ShellCommand.Input, terminal: String) -> String {
        input == .screen
            ? "<\(terminal) >\(terminal) 2>\(terminal) 7>&- 8>&-" : "<\(terminal) >&7 2>&8 7>&- 8>&-"
    }

    /// Makes a terminal what commands expect: lines, echo and signals on; line ends are translated for a screen alone, since
    /// what is to stay exact must not be. The shell, which leads
    /// its session and has no terminal, makes it its own by opening it (tty(4)).
    ///
    /// Every mode is named: what ssh brings of a client without a terminal is nothing.
    static func preparing(_ terminal: String, isScreen: Bool = false, size: ShellCommand.Size? = nil) -> String {
        "\\export TERM=\(isScreen ? "xterm" : "dumb"); \\: <>\(terminal); stty icanon isig iexten echo echoe echok icrnl -ixon \(isScreen ? "opost onlcr" : "-opost") "
            + "rows \(size?.rows ?? 24) cols \(size?.columns ?? 80) intr '^C' quit '^\\' "
            + "erase '^?' kill '^U' eof '^D' susp undef <\(terminal) >/dev/null 2>&1; "
    }

    /// Gives a terminal another size; the kernel there tells its programs.
    static func resizing(_ terminal: String, to size: ShellCommand.Size) -> String {
        "stty rows \(size.rows) cols \(size.columns) <\(terminal)"
    }

    /// Marks the end of what a command wrote to its terminal.
    static func marking(_ terminal: String, _ mark: String) -> [UInt8] {
        Array("\\printf '\\033]mm;%s\\007' \(mark) >\(terminal)\n".utf8)
    }

    /// The bytes that `marking` makes.
    static func mark(_ word: String) -> [UInt8] { Array("\u{1B}]mm;\(word)\u{7}".utf8) }

    /// A script that says whether a process of the shell's session reads the terminal, and whether what is typed is seen:
    /// `reads 1 hidden 0`. Where the system does not tell (other systems, processes of other users) it says `reads 0`.
    ///
    /// The numbers are those of the calls that read and wait; who may not see the call may see where the kernel waits.
    static func asking(shell: Int32, terminal: String) -> String {
        """
        r=0; m=$(uname -m); for d in /proc/[0-9]*; do { IFS= read -r x <"$d/stat"; } 2>/dev/null || continue; x=${x##*) }; \
        set -- $x; [ "$4" = \(shell) ] || continue; \
        if { IFS=' ' read -r n f x <"$d/syscall"; } 2>/dev/null; then n=$m:$n; else read -r n <"$d/wchan"; fi 2>/dev/null; \
        case $n in x86_64:0|aarch64:63) f=$((f)) ;; wait_woken|n_tty_read) f=0 ;; \
        x86_64:7|x86_64:23|x86_64:232|x86_64:270|x86_64:271|x86_64:281|aarch64:72|aarch64:73|aarch64:22) f=0 ;; \
        *) continue ;; esac; \
        case $(readlink "$d/fd/$f") in \(terminal)|/dev/tty) r=1; break ;; esac; done; \
        h=0; case $(stty -a <\(terminal)) in *-icanon*) ;; *-echo\\ *) h=1 ;; esac; echo "reads $r hidden $h"
        """
    }
}
