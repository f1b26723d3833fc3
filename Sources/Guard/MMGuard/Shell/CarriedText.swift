/// The options and operands of a program that contain commands or scripts.
struct CarriedText: Sendable {
    /// The language of such a text.
    enum Language: Sendable {
        /// A shell's language.
        case shell
        /// The program's own language.
        case script
        /// Commands of an editor, a pager or a debugger, some of which start a shell.
        case editor
        /// Database statements.
        case statements
        /// Rules of `make`.
        case rules
        /// Unknown.
        case unknown
    }

    /// The options whose value is such a text, by its language.
    var options: [String: Language] = [:]
    /// The options whose value is a file with such texts.
    var files: [String] = []
    /// Whether several option letters may follow one dash.
    var bundlesLetters = true
    /// Options with a value that doesn't matter here.
    var values: [String] = []
    /// The index of the operand that is such a text, from 0, unless an option contained or named one.
    var operand: (index: Int, language: Language)?
    /// The language of operands that begin with `+`.
    var plus: Language?
    /// The language of the program's input.
    var input: Language?
    /// The files that it runs by default.
    var usual: [String] = []

    private static let awk = CarriedText(
        options: ["-e": .script, "--source": .script], files: ["-f", "--file", "-i", "--include", "-E", "--exec"],
        values: ["-F", "-v", "--assign", "--field-separator"], operand: (0, .script))
    private static let editor = CarriedText(
        options: ["-c": .editor, "--cmd": .editor], files: ["-S", "-u"], plus: .editor, input: .editor)
    private static let database = CarriedText(
        options: [
            "-c": .statements, "--command": .statements, "-e": .statements, "--execute": .statements, "-q": .statements,
            "-Q": .statements, "--query": .statements, "-execute": .statements,
        ],
        files: ["-f", "--file"], input: .statements)
    private static let script = CarriedText(
        options: [
            "-c": .script, "-e": .script, "-E": .script, "-r": .script, "--eval": .script, "--execute": .script,
            "-Command": .script,
            "-EncodedCommand": .unknown, "-enc": .unknown,
        ], input: .script)
    private static let terminal = CarriedText(options: ["-e": .shell, "--command": .shell, "-x": .shell])
    private static let rules = CarriedText(
        options: ["--eval": .rules, "-E": .rules], files: ["-f", "--file", "--makefile"],
        values: ["-C", "-j", "-I", "-o", "-W"],
        usual: ["Makefile", "makefile", "GNUmakefile"])
    private static let packages = CarriedText(options: ["-c": .shell, "--call": .shell], usual: ["package.json"])
    private static let debugger = CarriedText(
        options: [
            "-ex": .editor, "-iex": .editor, "--eval-command": .editor, "--init-eval-command": .editor, "-o": .editor,
            "-O": .editor, "--one-line": .editor,
        ],
        files: ["-x", "--command", "-s", "--source"], bundlesLetters: false, input: .editor)

    /// The programs that have such options or operands.
    static let table: [String: CarriedText] = {
        var table: [String: CarriedText] = [
            "sed": CarriedText(
                options: ["-e": .script, "--expression": .script], files: ["-f", "--file"],
                values: ["-l", "--line-length"],
                operand: (0, .script)),
            "sqlite3": CarriedText(
                options: ["-cmd": .statements], files: ["-init"], operand: (1, .statements), input: .statements),
            "ed": CarriedText(input: .editor),
            "mongo": CarriedText(options: ["--eval": .script], input: .script),
            "tar": CarriedText(options: [
                "--to-command": .shell, "--use-compress-program": .shell, "-I": .shell, "--rsh-command": .shell,
                "--rmt-command": .shell, "--info-script": .shell, "-F": .shell, "--new-volume-script": .shell,
                "--checkpoint-action": .shell,
            ]),
            "rsync": CarriedText(options: ["-e": .shell, "--rsh": .shell, "--rsync-path": .shell]),
            "zip": CarriedText(options: ["-TT": .shell, "--unzip-command": .shell]),
            "split": CarriedText(options: ["--filter": .shell]),
            "tcpdump": CarriedText(options: ["-z": .shell]),
            "wget": CarriedText(options: ["--use-askpass": .shell]),
            "expect": CarriedText(options: ["-c": .script], files: ["-f"], input: .script),
            "just": CarriedText(
                options: ["--evaluate-rules": .rules], files: ["-f", "--justfile"],
                usual: ["justfile", "Justfile", ".justfile"]),
            "emacs": CarriedText(
                options: [
                    "--eval": .unknown, "-eval": .unknown, "--execute": .unknown, "-f": .unknown, "--funcall": .unknown,
                ],
                files: ["-l", "--load", "--script"]),
            "m4": CarriedText(input: .unknown), "dc": CarriedText(options: ["-e": .editor], input: .editor),
            "sg": CarriedText(options: ["-c": .shell]),
            "runuser": CarriedText(options: ["-c": .shell, "--command": .shell]),
            "gem": CarriedText(options: ["-e": .shell, "--editor": .shell]),
            "puppet": CarriedText(options: ["-e": .script, "--execute": .script]),
            "hg": CarriedText(options: ["--config": .unknown]),
            "dhclient": CarriedText(options: ["-sf": .shell]),
            "minicom": CarriedText(files: ["-S", "--script"], input: .editor),
            "composer": CarriedText(usual: ["composer.json"]),
            "man": CarriedText(options: ["-P": .shell, "--pager": .shell]),
            "vagrant": CarriedText(options: ["-c": .shell, "--command": .shell]),
        ]
        for name in ["awk", "gawk", "mawk", "nawk", "original-awk"] { table[name] = awk }
        for name in ["vim", "vi", "nvim", "ex", "view", "vimdiff", "gvim", "nvi", "vim.tiny", "vim.basic", "rvim"] {
            table[name] = editor
        }
        for name in [
            "psql", "mysql", "mariadb", "sqlcmd", "cqlsh", "clickhouse-client", "duckdb", "snowsql", "isql",
            "cockroach", "bq", "influx", "mysqlsh", "usql",
        ] {
            table[name] = database
        }
        table["duckdb"] = CarriedText(
            options: ["-c": .statements, "-cmd": .statements], files: ["-init", "-f"], operand: (1, .statements),
            input: .statements)
        table["sqlcmd"]?.files = ["-i", "--input-file"]
        table["sqlite"] = table["sqlite3"]
        table["cypher-shell"] = CarriedText(
            files: ["-f", "--file"],
            values: [
                "-a", "-u", "-p", "-d", "--address", "--uri", "--username", "--password", "--database", "--format",
            ],
            operand: (0, .statements), input: .statements)
        table["bq"] = CarriedText(operand: (1, .statements), input: .statements)
        table["gsed"] = table["sed"]
        table["mongosh"] = table["mongo"]
        for name in ["bsdtar", "gtar"] { table[name] = table["tar"] }
        for name in [
            "xterm", "gnome-terminal", "konsole", "xfce4-terminal", "alacritty", "kitty", "urxvt", "lxterminal",
        ] { table[name] = terminal }
        for name in ["make", "gmake", "bmake"] { table[name] = rules }
        for name in ["gcc", "g++", "cc", "c++", "gfortran"] {
            table[name] = CarriedText(options: ["-wrapper": .unknown])
        }
        table["svn"] = CarriedText(options: ["--config-option": .unknown])
        for name in ["npm", "npx", "pnpm", "yarn"] { table[name] = packages }
        for name in ["gdb", "lldb"] { table[name] = debugger }
        for name in ["node", "nodejs", "deno", "bun"] {
            table[name] = CarriedText(
                options: ["-e": .script, "--eval": .script, "-p": .script, "--print": .script, "-pe": .script],
                files: ["-r", "--require", "--import"], operand: name == "deno" ? (1, .script) : nil, input: .script,
                usual: name == "bun" ? ["package.json"] : [])
        }
        table["swift"] = CarriedText(options: ["-e": .script])
        for name in ["mix", "iex"] { table[name] = CarriedText(options: ["-e": .script, "--eval": .script]) }
        table["go"] = CarriedText(input: .script)
        for name in ShellWords.list("interpreters") where table[name] == nil { table[name] = script }
        return table
    }()
}
