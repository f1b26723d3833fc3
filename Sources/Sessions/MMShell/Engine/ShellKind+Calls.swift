/// How the session's own lines call builtins, whatever functions and aliases a command has defined.
///
/// A word with a backslash is neither an alias nor a keyword. bash and zsh look for functions before builtins, except
/// behind `builtin`; other shells look for special builtins (POSIX.1-2017, Shell Command Language, section 2.14) first,
/// and for the others behind `command`. Only a function named like that word itself hides them, so it is removed after
/// the command that defined it, and the command's errors say so.
extension ShellKind {
    /// The word behind which a builtin is called.
    var caller: String { hooksByPrompt ? "command" : "builtin" }

    private static let special: Set<String> = [".", ":", "eval", "export", "return", "set", "unset"]

    /// Returns the beginning of a command that calls a builtin.
    func calling(_ builtin: String) -> String {
        hooksByPrompt && Self.special.contains(builtin) ? #"\\#(builtin)"# : #"\\#(caller) \\#(builtin)"#
    }

    /// The shell's own `printf`. zsh's `command` would start a program.
    var printf: String { calling("printf") }

    /// Returns the beginning of a command that starts a program.
    func starting(_ program: String) -> String {
        hooksByPrompt ? #"\command \\#(program)"# : #"\builtin \command \\#(program)"#
    }

    /// The definition of a function that removes what hides the caller. It ends a shell in which that isn't possible,
    /// since no command could be run there; the next one then gets a new shell.
    ///
    /// Its caller ignores its status, so that `set -e` doesn't end the shell.
    var mending: String {
        """
        __mm_try() { __mm_v=; \\\(caller) \\eval __mm_v=1 || __mm_v=; }
        __mm_mend() {
        __mm_try
        \(hooksByPrompt ? "\\unset -f command\n" : "")case $__mm_v in ?*) ;; *)
        \(removal)__mm_try
        case $__mm_v in ?*) ;; *) (\\exec 2>&8; \\: "${__mm_v:?\(Self.lost)}"); \\exit 1 ;; esac
        \(restoring)\\\(caller) \\printf '%s\\n' "mm: this session needs \\"\(caller)\\" for itself, \
        so your function of that name was removed; give it another name" >&8 ;;
        esac
        }

        """
    }

    private static let lost = "mm: a builtin that this session needs was disabled; it goes on in a new shell"

    /// In bash only POSIX mode finds a builtin, `unset`, in spite of functions. In zsh a function that is defined as a
    /// disabled one replaces the other without a builtin.
    private var removal: String {
        switch self {
        case .bash:
            """
            __mm_v=:$SHELLOPTS:$BASHOPTS:
            case $__mm_v in *:posix:*) ;; *) POSIXLY_CORRECT=y ;; esac
            __mm_w=$__mm_v
            \\unset -f builtin

            """
        case .zsh: "dis_functions[builtin]=:\n"
        case .dash, .ash: ""
        }
    }

    /// POSIX mode turns on options, and leaves them on.
    private var restoring: String {
        guard self == .bash else { return "" }
        return """
            case $__mm_w in *:posix:*) ;; *)
            \\builtin \\unset POSIXLY_CORRECT
            for __mm_v in inherit_errexit expand_aliases sourcepath interactive_comments; do
            case $__mm_w in *:$__mm_v:*) ;; *) \\builtin \\shopt -u "$__mm_v" ;; esac
            done ;;
            esac

            """
    }
}
