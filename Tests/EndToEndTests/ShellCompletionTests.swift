import Glibc
import MMCore
import MMSystem
import Testing

/// The completion scripts in real shells, with TAB typed at a terminal.
@Suite("Completion in a shell", .timeLimit(.minutes(10)))
struct ShellCompletionTests {
    private static let shells = ["bash", "zsh", "fish"].filter { access("/usr/bin/\($0)", X_OK) == 0 }

    /// A shell at a terminal with its completion script loaded.
    private func start(_ shell: String, _ home: TemporaryHome) async throws -> (ChildProcess, PseudoTerminal) {
        let mm = Programs.mm
        let folder = mm.split(separator: "/").dropLast().joined(separator: "/")
        var environment = home.environment
        environment["PATH"] = "/\(folder):/usr/bin:/bin"
        environment["TERM"] = "xterm"
        environment["ZDOTDIR"] = home.path
        let files = [
            "rc":
                "bind 'set enable-bracketed-paste off' 2>/dev/null; source <(mm completions bash); PS1='ready'\"> \"\n",
            ".zshrc":
                "autoload -Uz compinit; compinit -u; source <(mm completions zsh); PS1='ready'\"> \"; unsetopt zle_bracketed_paste 2>/dev/null\n",
        ]
        for (name, text) in files { try ProtectedFile.replace("\(home.path)/\(name)", with: Array(text.utf8)) }
        let arguments = shell == "bash" ? ["--rcfile", "\(home.path)/rc", "-i"] : ["-i"]
        var command = ChildCommand("/usr/bin/\(shell)", arguments, environment: environment)
        command.terminal = Terminal.Size(rows: 40, columns: 120)
        command.input = .terminal
        command.output = .terminal
        command.error = .terminal
        let child = try await ChildProcess.start(command)
        return (child, try #require(child.terminal))
    }

    /// The lines that TAB makes of lines.
    private static let lines: [(typed: String, expected: String)] = [
        ("mm connections dup", "duplicate"), ("mm graph Con", "Contoso"), ("mm run Contoso compl", "compliance"),
        ("mm run Contoso exo Get-MailboxStati", "Get-MailboxStatistics"), ("mm graph Contoso /organ", "/organization"),
        ("mm graph Contoso /users/x/mailFol", "/users/x/mailFolders"), ("mm -q connections dup", "duplicate"),
        ("mm graph Contoso /me --colum", "--columns"),
        ("mm graph Contoso --output=cs", "--output=csv"),
        ("mm snapshot take Contoso --to=/etc/os-rel", "--to=/etc/os-release"),
        ("mm graph Contoso /users/a@b.example/mailFol", "/users/a@b.example/mailFolders"),
        ("mm graph Contoso /groups -d @/etc/os-rel", "@/etc/os-release"),
        ("mm run Contoso exo -f /etc/os-rel", "/etc/os-release"), ("mm help connections dup", "duplicate"),
        ("mm plan -- graph Contoso /organ", "/organization"),
    ]

    /// The lines with a name that the shell must quote.
    private static let quoted: [(typed: String, expected: String)] = [
        ("mm graph Fab", #"Fab\ rikam"#), (#"mm run Fab\ rikam compl"#, "compliance"),
        (#"mm run "Fab rikam" compl"#, "compliance"),
    ]

    @Test("completes lines", arguments: ["bash", "zsh"])
    func typed(shell: String) async throws {
        guard Self.shells.contains(shell) else { return print("skipped: completion in \(shell): it is not installed") }
        let home = try TemporaryHome()
        try await addConnection(home)
        let (child, terminal) = try await start(shell, home)
        var seen = ""
        func see(_ text: String) async throws {
            while !seen.contains(text), let piece = try? await terminal.output.read() {
                seen += String(decoding: piece, as: UTF8.self)
            }
            let place = try #require(seen.firstRange(of: text), "\(shell): \(seen)")
            seen = String(seen[place.upperBound...])
        }
        try await see("ready> ")
        for (typed, expected) in Self.lines + Self.quoted {
            try await terminal.input.write(Array((typed + "\t").utf8))
            let word = typed.split(separator: " ").last.map(String.init) ?? ""
            try await see(word)
            try await see(String(expected.dropFirst(word.count)))
            try await terminal.input.write([0x15])
        }
        child.signalGroup(SIGKILL)
        _ = await child.exit()
    }

    @Test("completes lines in fish", .enabled(if: shells.contains("fish"), "needs fish"))
    func fish() async throws {
        let home = try TemporaryHome()
        try await addConnection(home)
        var environment = home.environment
        environment["PATH"] =
            "/" + Programs.mm.split(separator: "/").dropLast().joined(separator: "/") + ":/usr/bin:/bin"
        for (typed, expected) in Self.lines {
            let ran = try await Tenant.run(
                "/usr/bin/fish", ["-c", "mm completions fish | source; complete -C '\(typed)'"], environment)
            #expect(ran.output.contains(expected), "\(typed): \(ran.output)\(ran.error)")
        }
    }

    private func addConnection(_ home: TemporaryHome) async throws {
        for name in ["Contoso", "Fab rikam"] {
            let added = try await Tenant.run(
                Programs.mm,
                [
                    "connections", "add", name, "--app-id", "11111111-2222-3333-4444-555555555555", "--tenant",
                    "contoso.example", "--expected-email", "a@contoso.example",
                ], home.environment)
            try #require(added.code == 0, "\(added.error)")
        }
    }
}
