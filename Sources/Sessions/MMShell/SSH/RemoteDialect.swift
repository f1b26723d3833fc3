import MMCore

/// How a shell at the other end of an SSH connection is prepared and how a command is handed to it.
///
/// There is no terminal and no descriptor beside the three streams: the report is written to output and errors, behind
/// what the command wrote, under a number that stands in the shell's lines alone: a command finds it in no variable.
/// Descriptors 7 and 8 keep the streams; what the shell itself prints goes to the null device.
enum RemoteDialect {
    /// What is started: the best interactive shell there is, whatever the login shell.
    ///
    /// A host tells of the shell's end only once nobody holds its streams, which what it left in the background may do for
    /// hours. So the shell has a parent that tells of its end at once, where the host can start it as the leader of a
    /// session of its own.
    static func launch(mark: String) -> String {
        let told =
            #"s=$?; printf 'mm-ended-%s %s\000' \#(mark) "$s"; printf 'mm-ended-%s %s\000' \#(mark) "$s" >&9; exit "$s""#
        return "exec /bin/sh -c "
            + quoted(
                "export MM_SHELL_ID=\(mark) TERM=dumb LESSSECURE=1; if command -v bash >/dev/null 2>&1; "
                    + "then set -- bash --norc --noprofile --noediting -i; else set -- /bin/sh -i; fi; "
                    + "command -v setsid >/dev/null 2>&1 || exec \"$@\"; "
                    + "exec 9>&2 2>/dev/null; (exec 2>&9 9>&-; exec setsid \"$@\"); \(told)")
    }

    /// What tells of the shell's end; its status and a NUL character follow. Put together only when it is written, too.
    static func endMark(_ mark: String) -> String { "mm-ended-\(mark) " }

    /// What a prompt that comes round before the report says of itself; a status and a NUL character follow. It is put
    /// together only when it is written, so that no listing of functions shows it.
    static func promptMark(_ mark: String) -> String { "mm-prompt-\(mark) " }

    /// What the shell runs first. Nothing in it may fail: some shells then forget the lines behind it, too.
    ///
    /// A start-up file may have put another shell into the place of what was to be launched, which is then launched again.
    /// BusyBox's shell takes the end of a background job for the end of its input, and would leave.
    static func boot(mark: String) -> String {
        """
        [ "${MM_SHELL_ID-}" = \(mark) ] || \(launch(mark: mark))
        PS1= PS2= PROMPT_COMMAND=; unset HISTFILE ENV; [ -z "${BASH_VERSION-}" ] || { set +o history +H; shopt -u promptvars; }
        [ -n "${BASH_VERSION-}" ] || { (set -o ignoreeof) 2>/dev/null && set -o ignoreeof; }
        exec 7>&1 8>&2; exec >/dev/null 2>&1
        __mm_m=\(mark)
        __mm_begin() { return "$__mm_p"; }
        __mm_tell() { \(tell("\"$1\"", status: "\"$2\"", rest: "\"$3\"")); }
        __mm_end() {
        set +e
        if [ -n "${__mm_x-}" ]; then __mm_tell "$2" "$1" "x${PWD-}"; __mm_x=; { export -p; \\command printf '\\000'; } >&7
        else __mm_tell "$2" "$1" "-${PWD-}"; fi
        __mm_i= __mm_c=
        [ -n "${BASH_VERSION-}" ] || \\command eval PS1=
        }
        __mm_hook() { if [ -n "${__mm_i-}" ]; then \\command printf 'mm-prompt-%s %s\\000' "$__mm_m" "$1" >&7; fi; }
        if [ -n "${BASH_VERSION-}" ]; then \(ShellDialect.bashPrompt); else __mm_h='$(__mm_hook "$?")'; fi
        __mm_d=${TMPDIR:-/tmp}/mm-sh-$MM_SHELL_ID; mkdir -m 700 "$__mm_d" || __mm_d=/nonexistent

        """
    }

    /// The line after `boot`; the status of its report is the shell's process id.
    static func greeting(id: String) -> [UInt8] { Array("__mm_end \"$$\" \(id)\n".utf8) }

    /// The line that runs a command. One that starts no program stands in it as it is. The text of others is kept in a file
    /// and sourced, since bash tells of jobs and of programs that were killed but while it reads a file; where no file can
    /// be made, as on a full disk, it is evaluated.
    /// - Parameter streams: what the command reads and where it writes, for one that reads a terminal.
    static func line(
        _ text: String, id: String, previous: Int32, effects: CommandEffects, streams given: String? = nil
    ) -> [UInt8] {
        // Where the prompt is the only hook, it is there only while a command runs, and can't take back `set -e`.
        let start = "\\set +e; \\command eval 'PS1=${__mm_h-}'; __mm_i=1\(effects.mayExport ? " __mm_x=1" : "")"
        let word = String(decoding: ShellSnapshot.quoted(Array(text.utf8)), as: UTF8.self)
        // Over there may be any POSIX shell; the rules for all of them are those for the pickiest that is read in blocks.
        guard !effects.mayStartPrograms, ShellDialect(kind: .bash).fitsLine(text, effects) else {
            let run = runner(given ?? silent, id)
            return Array("\(start) __mm_p=\(previous) __mm_c=\(word); \(run)\n".utf8)
        }
        let begin = previous == 0 ? "" : " __mm_p=\(previous); __mm_begin;"
        // The line is read in blocks: its length costs nothing, and a call of a function is spared.
        let end =
            effects.mayExport
            ? "__mm_end \"$?\" \(id)"
            : tell(id, status: "\"$?\"", rest: "\"-${PWD-}\"") + "; __mm_i=; \\command eval PS1=; \\set +e"
        return Array("\(start);\(begin) eval \(word) \(given ?? ">&7 2>&8"); \(end)\n".utf8)
    }

    /// Both reports. Only the one on standard output is read for what it says.
    private static func tell(_ id: String, status: String, rest: String) -> String {
        #"\command printf '%s %s %s\000' \#(id) \#(status) \#(rest) >&7; \command printf '%s 0 \000' \#(id) >&8"#
    }

    /// The streams of a command that reads nothing.
    private static let silent = "</dev/null >&7 2>&8 7>&- 8>&-"

    private static func runner(_ streams: String, _ id: String) -> String {
        """
        __mm_o=; { \\command printf "%s\\n" "$__mm_c" >"$__mm_d/c"; } 2>/dev/null && __mm_o=1; \
        if [ -n "$__mm_o" ]; then __mm_begin; . "$__mm_d/c" \(streams); \
        else __mm_begin; { eval "$__mm_c"; } \(streams); fi; __mm_end "$?" \(id)
        """
    }

    /// A line that makes an idle shell report a status, also when the command has taken its hook away.
    static func probe(id: String, status: Int32) -> [UInt8] { Array("\\set +e; __mm_end \(status) \(id)\n".utf8) }

    /// A script that removes the folder of a shell that is gone.
    static func tidying(mark: String) -> String { "rm -rf \"${TMPDIR:-/tmp}/mm-sh-\(mark)\"" }

    /// A text as one word of any POSIX shell.
    static func quoted(_ text: String) -> String {
        String(decoding: ShellSnapshot.quoted(Array(text.utf8)), as: UTF8.self)
    }

    /// A script that sends a signal to what a shell started: its process group, or its descendants and those of its session.
    static func signalling(shell: Int32, _ signal: String, group: Bool) -> String {
        if group { return "kill -s \(signal) -- -\(shell)" }
        return """
            if [ -r /proc/self/stat ]; then for f in /proc/[0-9]*/stat; do { IFS= read -r x <"$f"; } 2>/dev/null || continue; \
            p=${x%% *}; x=${x##*) }; set -- $x; echo "$p $2 $4"; done; \
            else ps -A -o pid= -o ppid= -o sid= || ps -A -o pid= -o ppid= -o pgid=; fi 2>/dev/null | { m=" \(shell) "; l=; while read -r p q s; do \
            l="$l$p:$q:$s "; done; for r in 1 2 3 4; do for e in $l; do p=${e%%:*}; t=${e#*:}; q=${t%%:*}; s=${t#*:}; \
            case $m in *" $p "*) ;; *) case $m in *" $q "*) m="$m$p " ;; *) [ "$s" = \(shell) ] && m="$m$p " ;; esac ;; esac; \
            done; done; for p in $m; do [ "$p" = \(shell) ] || kill -s \(signal) "$p"; done; } 2>/dev/null
            """
    }

    /// A script that ends what a shell runs, and the shell: stopped first, it can't go on with the rest of its list. Without
    /// a terminal a shell gives its list up only for a program that an interrupt has ended.
    static func ending(shell: Int32) -> String {
        """
        kill -s STOP \(shell); \(signalling(shell: shell, "TERM", group: false))
        \(signalling(shell: shell, "CONT", group: false))
        sleep 0.5 2>/dev/null || sleep 1; \(signalling(shell: shell, "KILL", group: false))
        kill -s KILL -- -\(shell)
        """
    }

    /// A script that interrupts what a shell runs, as the key does, also where it was stopped.
    static func interrupting(shell: Int32) -> String {
        signalling(shell: shell, "INT", group: true) + "; " + signalling(shell: shell, "CONT", group: true)
    }

    /// A script that names what is stopped of a shell's session; the shell itself only where nothing that it started is left
    /// that could let it go on.
    static func stopped(shell: Int32) -> String {
        """
        if [ -r /proc/self/stat ]; then for f in /proc/[0-9]*/stat; do { IFS= read -r x <"$f"; } 2>/dev/null || continue; \
        p=${x%% *}; x=${x##*) }; set -- $x; echo "$p $2 $4 $1"; done; \
        else ps -A -o pid= -o ppid= -o sid= -o stat=; fi 2>/dev/null | { s=; n=; while read -r p q g t; do \
        case " $p $q $g " in *" \(shell) "*) ;; *) continue ;; esac; \
        case $p:$t in \(shell):T*) s=1 ;; \(shell):*|*:[ZX]*) ;; *:T*) echo "$p" ;; *) n=1 ;; esac; done; \
        [ -z "$s$n" ] || [ -n "$n" ] || echo \(shell); }
        """
    }

    /// A script that ends what a shell left behind: its session, if its process still bears the mark, and whatever else bears it.
    static func sweep(shell: Int32, mark: String) -> String {
        """
        m=MM_SHELL_ID=\(mark); if grep -qzxF "$m" /proc/\(shell)/environ 2>/dev/null; then
        \(signalling(shell: shell, "KILL", group: false)); kill -s KILL -- -\(shell) 2>/dev/null; fi
        for r in 1 2; do for f in $(grep -lzxF "$m" /proc/[0-9]*/environ 2>/dev/null); do
        p=${f#/proc/}; kill -s KILL "${p%/environ}" 2>/dev/null; done; done
        """
    }
}

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
