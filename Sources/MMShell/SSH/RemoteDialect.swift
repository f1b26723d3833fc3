/// How a shell at the other end of an SSH connection is prepared and how a command is handed to it.
///
/// There is no terminal and no descriptor beside the three streams: the report is written to output and errors, behind
/// what the command wrote, under a number that is put together only when it is written, so that no listing of variables
/// shows it. Descriptors 7 and 8 keep the streams; what the shell itself prints goes to the null device.
enum RemoteDialect {
    /// What is started: the best interactive shell there is, whatever the login shell.
    static func launch(mark: String) -> String {
        "exec /bin/sh -c "
            + quoted(
                "export MM_SHELL_ID=\(mark) TERM=dumb; if command -v bash >/dev/null 2>&1; "
                    + "then exec bash --norc --noprofile --noediting -i; else exec /bin/sh -i; fi")
    }

    /// What the shell runs first. Nothing in it may fail: some shells then forget the lines behind it, too.
    ///
    /// BusyBox's shell takes the end of a background job for the end of its input, and would leave.
    static let boot = """
        PS1= PS2= PROMPT_COMMAND=; unset HISTFILE ENV; [ -z "${BASH_VERSION-}" ] || set +o history +H
        [ -n "${BASH_VERSION-}" ] || { (set -o ignoreeof) 2>/dev/null && set -o ignoreeof; }
        exec 7>&1 8>&2; exec >/dev/null 2>&1
        __mm_begin() { return "$__mm_p"; }
        __mm_arm() { :; }
        __mm_disarm() { :; }
        __mm_tell() { \(tell("\"$__mm_a\" \"$__mm_b\"", status: "\"$1\"", rest: "\"$2\"")); }
        __mm_end() {
        set +e
        if [ -n "${__mm_a-}" ]; then
        if [ -n "${__mm_x-}" ]; then __mm_tell "$1" "x${PWD-}"; __mm_x=; { export -p; printf '\\000'; } >&7
        else __mm_tell "$1" "-${PWD-}"; fi
        __mm_a= __mm_c=
        fi
        __mm_disarm
        return "$(($1 & 255))"
        }
        __mm_hook() { if [ -n "${__mm_a-}" ]; then __mm_tell "$1" "-${PWD-}"; fi; }
        if [ -n "${BASH_VERSION-}" ]; then PROMPT_COMMAND='case ${__mm_a-} in ?*) __mm_end "$?";; esac'; else
        __mm_h='$(__mm_hook "$?")'; __mm_arm() { command eval 'PS1=$__mm_h' || :; }; __mm_disarm() { command eval PS1= || :; }; fi
        __mm_d=${TMPDIR:-/tmp}/mm-sh-$MM_SHELL_ID; mkdir -m 700 "$__mm_d" || __mm_d=/nonexistent

        """

    /// The line after `boot`; the status of its report is the shell's process id.
    static func greeting(id: (String, String)) -> [UInt8] {
        Array("__mm_a=\(id.0) __mm_b=\(id.1); __mm_end \"$$\"\n".utf8)
    }

    /// The line that runs a command. A short one stands in it as it is. The text of others is kept in a file and sourced;
    /// where no file can be made, as on a full disk, it is evaluated.
    /// - Parameter streams: what the command reads and where it writes, for one that reads a terminal.
    static func line(
        _ text: String, id: (String, String), previous: Int32, effects: CommandEffects, streams given: String? = nil
    ) -> [UInt8] {
        // Where the prompt is the only hook, it is there only while a command runs. A command may have made it readonly, in
        // which case it stays as it is; `command` keeps the shell from giving up the line for that.
        let start = "__mm_a=\(id.0) __mm_b=\(id.1)\(effects.mayExport ? " __mm_x=1" : ""); __mm_arm"
        let word = String(decoding: ShellSnapshot.quoted(Array(text.utf8)), as: UTF8.self)
        // Over there may be any POSIX shell; the rules for all of them are those for the pickiest that is read in blocks.
        guard ShellDialect(kind: .dash).fitsLine(text) else {
            let run = runner(given ?? silent)
            return Array("\(start); __mm_p=\(previous) __mm_c=\(word); \(run)\n".utf8)
        }
        let begin = previous == 0 ? "" : " __mm_p=\(previous); __mm_begin;"
        let streams = given ?? (effects.mayStartPrograms ? silent : ">&7 2>&8")
        // The line is read in blocks: its length costs nothing, and a call of a function is spared.
        let end =
            effects.mayExport
            ? "__mm_end \"$?\""
            : tell("\(id.0) \(id.1)", status: "\"$?\"", rest: "\"-${PWD-}\"") + "; __mm_a=; __mm_disarm; \\set +e"
        return Array("\(start);\(begin) eval \(word) \(streams); \(end)\n".utf8)
    }

    /// Both reports. Only the one on standard output is read for what it says.
    private static func tell(_ id: String, status: String, rest: String) -> String {
        #"\printf '%s%s %s %s\000' \#(id) \#(status) \#(rest) >&7; \printf '%s%s 0 \000' \#(id) >&8"#
    }

    /// The streams of a command that reads nothing.
    private static let silent = "</dev/null >&7 2>&8 7>&- 8>&-"

    private static func runner(_ streams: String) -> String {
        """
        __mm_o=; { printf "%s\\n" "$__mm_c" >"$__mm_d/c"; } 2>/dev/null && __mm_o=1; \
        if [ -n "$__mm_o" ]; then __mm_begin; . "$__mm_d/c" \(streams); \
        else __mm_begin; { eval "$__mm_c"; } \(streams); fi; __mm_end "$?"
        """
    }

    /// A line that makes an idle shell report even when the command has taken its hook away. Otherwise it says nothing.
    static let probe = "__mm_end 130\n"

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
