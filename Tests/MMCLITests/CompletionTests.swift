import MMCore
import MMOperations
import MMSystem
import TestSupport
import Testing

@testable import MMCLI

@Suite("CompletionAnswer", .timeLimit(.minutes(5)))
struct CompletionTests {
    private let completion = CompletionAnswer(CommandIndex(catalogue: .standard, locals: [])) { place in
        switch place.field.name {
        case "connection": [CompletionAnswer.Candidate("Contoso", "the main tenant")]
        case "command" where place.given["module"] == "exo": [CompletionAnswer.Candidate("Get-Mailbox")]
        case "host": [CompletionAnswer.Candidate("web1")]
        default: []
        }
    }

    @Test(
        "offers what is possible at a position",
        arguments: [
            ([""], "graph"), (["connections", ""], "edit"), (["connections", "sh"], "show"),
            (["graph", ""], "Contoso"),
            (["ssh", ""], "read"), (["ssh", ""], "web1"),
            (["graph", "-o", ""], "jsonl"), (["graph", "--output=j"], "--output=jsonl"),
            (["graph", "--connection=c"], "--connection=Contoso"), (["run", "--connection=Contoso", ""], "exo"),
            (["graph", "--connection", ""], "Contoso"), (["graph", "-"], "--connection"),
            (["graph", "--js"], "--json"),
            (["run", "Contoso", ""], "exo"), (["run", "Contoso", "exo", "Get-"], "Get-Mailbox"),
            (["run", "Contoso", "exo", "'get-"], "Get-Mailbox"),
            (["--quiet", "connections", ""], "list"), (["-o", "json", "connections", ""], "list"),
            (["--qu"], "--quiet"),
            (["guard", "check", ""], ":files"), (["guard", "check", "--kind", ""], "shell"),
            (["snapshot", "take", "Contoso", "--to", ""], ":files"),
            (["run", "Contoso", "exo", "-f", ""], ":files"), (["run", "Contoso", "exo", "--file=r"], ":files"),
            (["graph", "Contoso", "/me", "--upload", ""], ":files"), (["apply", ""], ":files"),
            (["plan", "-o", ""], ":files"), (["drift", "Contoso", "--against", ""], ":files"),
            (["exec", "Contoso", "--", "python3", ""], ":files"), (["exec", "Contoso", "--", "ls", "-"], ":files"),
            (["graph", "Contoso", "/groups", "-d", "@gr"], ":@files"),
            (["graph", "Contoso", "/groups", "-d", ""], "@"),
            (["graph", "Contoso", "/me", "--output", ""], "yaml"),
            (["graph", "--filter", "x eq 1", ""], "Contoso"), (["graph", "--count", ""], "Contoso"),
            (["plan", "--", "graph", ""], "Contoso"), (["plan", "--", "graph", "--output=j"], "--output=jsonl"),
            (["plan", "--", "run", "Contoso", "exo", "Get-Date", "--", "graph", "-X", ""], "PATCH"),
            (["plan", "--", "ru"], "run"),
            (["help", "gr"], "graph"), (["help", "connections", ""], "edit"),
        ] as [([String], String)])
    func places(words: [String], expected: String) async {
        let offered = await completion.candidates(words).map(\.word)
        #expect(offered.contains(expected), "\(words): \(offered.prefix(20))")
    }

    @Test(
        "offers nothing that isn't possible",
        arguments: [
            ["connections", "zzz"], ["graph", "--timeout", ""], ["xyz", ""], ["connections", "rename", "Contoso", ""],
            ["connections", "duplicate", "Contoso", ""], ["graph", "--json="], ["graph", "--all="], ["--quiet="],
            ["graph", "Contoso", "/groups", "-d", "gr"], ["graph", "--filter", ""], ["help", "graph", "-"],
        ])
    func nothing(words: [String]) async {
        #expect(await completion.candidates(words).isEmpty)
    }

    @Test(
        "finds the command behind global options",
        arguments: [
            (["--json", "graph", "A"], ["graph", "A", "--json"]),
            (["-o", "csv", "graph", "A", "-X", "GET"], ["graph", "A", "-o", "csv", "-X", "GET"]),
            (["--timeout", "5", "connections", "list"], ["connections", "list", "--timeout", "5"]),
            (["--output=csv", "status"], ["status", "--output=csv"]), (["--help"], ["--help"]),
            (["--json=mail", "graph", "A"], ["graph", "A", "--json=mail"]),
            (["-V"], ["-V"]), (["graph", "A", "--json"], ["graph", "A", "--json"]),
            (["--wrong", "graph"], ["--wrong", "graph"]),
        ] as [([String], [String])])
    func options(words: [String], expected: [String]) {
        #expect(GlobalOptions.commandFirst(words) == expected)
    }

    @Test("bash offers the words as they are, and every file name", arguments: ["", "shopt -s nullglob;"])
    func bash(setting: String) async throws {
        let folder = try TestFolder()
        for name in ["a[1]", "a1", "b*c"] { try ProtectedFile.replace("\(folder.path)/\(name)", with: []) }
        let script = """
            mm() { printf '%s\\n' 'Contoso*\tall that begin so' 'one\twhich one?' ':files'; }
            \(setting) COMP_WORDS=(mm graph ''); COMP_CWORD=2; _mm; printf '%s\\n' "${COMPREPLY[@]}"
            """
        let words = try await Self.bash(script, in: folder.path)
        #expect(words.prefix(2) == [#"Contoso\*"#, "one"])
        #expect(words.dropFirst(2).sorted() == ["a1", "a[1]", "b*c"], "\(words)")
    }

    @Test(
        "bash breaks words at some signs, and replaces only what is behind the last one",
        arguments: [
            ("--output = j", "--output=j", "--output=json", ["json"]),
            ("--output =", "--output=", "--output=json", ["json"]),
            ("guard = strict --output = j", "guard=strict --output=j", "--output=json", ["json"]),
            ("--outp", "--outp", "--output=json", ["--output=json"]), ("GUARD =", "GUARD=", "guard=", []),
            ("guard = --outp", "guard= --outp", "--output=json", ["--output=json"]),
            ("/users/a @ b/ma", "/users/a@b/ma", "/users/a@b/mailFolders", ["@b/mailFolders"]),
            ("/users/a @", "/users/a@", "/users/a@b", ["@b"]), ("-d @", "-d @", "@x", ["@x"]),
            ("--body =@ x", "--body=@x", "--body=@xy", ["@xy"]),
            ("tag : eu", "tag:eu", "tag:europe", ["europe"]),
        ] as [(String, String, String, [String])])
    func brokenWords(typed: String, asked: String, offered: String, words: [String]) async throws {
        let script = """
            mm() { echo "${*:3}" >&3; echo \(offered); }; exec 3>&1
            COMP_LINE='mm \(asked)'; COMP_WORDS=(mm \(typed)); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _mm
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        #expect(try await Self.bash(script, in: "/") == [asked] + words)
    }

    @Test(
        "bash offers the names of files behind an at sign and behind the equals sign of a flag",
        arguments: [
            ("-d @", "-d @", ":@files", [#"@a\ b"#, "@at@home", "@folder/"]),
            ("-d @ a", "-d @a", ":@files", [#"@a\ b"#, "@at@home"]), ("-d @ at @ h", "-d @at@h", ":@files", ["@home"]),
            ("--body =@ f", "--body=@f", ":@files", ["@folder/"]),
            ("--to =", "--to=", ":files", ["a b", "at@home", "folder"]),
            ("--to = at @ h", "--to=at@h", ":files", ["@home"]), (#"a\ "#, #"a\ "#, ":files", ["a b"]),
        ] as [(String, String, String, [String])])
    func marked(typed: String, line: String, offered: String, words: [String]) async throws {
        let folder = try TestFolder()
        for name in ["a b", "at@home", "folder/a"] {
            try ProtectedFile.replace("\(folder.path)/\(name)", with: [])
        }
        let script = """
            mm() { echo '\(offered)'; }
            COMP_LINE='mm \(line)'; COMP_WORDS=(mm \(typed)); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _mm
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        #expect(try await Self.bash(script, in: folder.path).sorted() == words)
    }

    @Test(
        "bash adds no space to a word that goes on",
        arguments: [("/users/", true), ("guard=", true), ("@", true), ("@folder/", true), ("all", false)])
    func goesOn(word: String, isOpen: Bool) async throws {
        let script = """
            mm() { echo '\(word)'; }; compopt() { echo "$*"; }
            COMP_WORDS=(mm graph ''); COMP_CWORD=2; _mm; echo "${COMPREPLY[@]}"
            """
        #expect(try await Self.bash(script, in: "/") == (isOpen ? ["-o nospace", word] : [word]))
    }

    /// Runs a text in bash behind its completion script.
    /// - Returns: the lines of its output.
    private static func bash(_ script: String, in folder: String) async throws -> [String] {
        let command = ChildCommand(
            "/bin/bash", ["-c", try CompletionScript.text(for: "bash") + script], environment: [:], directory: folder)
        let ran = try await ChildProcess.run(command, timeout: .seconds(60))
        return String(decoding: ran.output, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
