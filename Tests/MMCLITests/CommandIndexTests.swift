import MMCore
import MMOperations
import Testing

@testable import MMCLI

@Suite("Finding a command", .timeLimit(.minutes(5)))
struct CommandIndexTests {
    private let index = CommandIndex(catalogue: .standard, locals: [])

    @Test(
        "the words of a line lead to its command, and the rest are arguments",
        arguments: [
            (["connections"], "connections list", []), (["connections", "--json"], "connections list", ["--json"]),
            (["connections", "show", "Contoso"], "connections show", ["Contoso"]),
            (["status", "Contoso"], "status", ["Contoso"]), (["mm_status", "Contoso"], "status", ["Contoso"]),
            (["shell", "build"], "shell terminal", ["build"]),
            (["shell", "build", "make all", "--json"], "shell run", ["--session", "build", "make all", "--json"]),
        ])
    func found(line: [String], command: String, rest: [String]) throws {
        let found = try #require(index.find(line))
        #expect(found.entry.words.joined(separator: " ") == command)
        #expect(found.rest == rest)
    }

    @Test("an unknown word after a group is an error, not an argument of the group's list")
    func unknown() {
        #expect(index.find(["connections", "shwo"]) == nil)
        let error = index.unknown(["connections", "shwo"])
        #expect(error.message == "`mm` has no command `connections shwo`.")
        #expect(error.hint?.contains("`mm connections show`") == true)
    }

    @Test(
        "a misspelt command below another one is found by the words after it",
        arguments: [
            (["undo", "lst", "--last", "5"], "mm undo list"), (["ssh", "Upload"], "mm ssh upload"),
            (["undo", "chg_5f0c1a9e27"], nil), (["undo", "--since", "5m"], nil), (["status", "Contoso"], nil),
        ] as [([String], String?)])
    func misspelt(line: [String], command: String?) throws {
        let found = try #require(index.find(line))
        #expect(index.meant(by: found.rest, after: found.entry) == command)
    }

    @Test("an empty word isn't a session's name")
    func emptyName() {
        #expect(index.find(["shell", "", "make all"]) == nil)
        #expect(index.find(["shell", ""]) == nil)
    }

    @Test(
        "unknown commands get the most similar ones suggested",
        arguments: [
            (["grpah"], ["graph"]), (["conections"], ["connections"]), (["shel", "rnu"], ["shell run"]),
            (["conections", "lst"], ["connections list"]), (["adit"], ["audit"]),
            (["wat"], ["shell wait", "ssh wait"]), (["keys"], ["shell keys", "ssh keys"]),
            (["duplicat"], ["connections duplicate"]), (["connections", "shwo"], ["connections show"]),
        ])
    func nearest(line: [String], commands: [String]) {
        let hint = index.unknown(line).hint ?? ""
        for command in commands { #expect(hint.contains("`mm \(command)`"), "\(hint)") }
    }

    @Test(
        "a wrong verb of a noun gets the noun's own verbs suggested: the closest, or else all",
        arguments: [
            (["runbook", "list"], "The commands of `mm runbook`: approve."),
            (["connections", "shwo"], "Did you mean `mm connections show`"),
            (["snapshot", "xyzzy"], "The commands of `mm snapshot`: take, list, show, diff"),
        ])
    func verbs(line: [String], hint: String) {
        #expect(index.unknown(line).hint?.hasPrefix(hint) == true, "\(index.unknown(line))")
    }

    @Test("an unknown option in front is reported as an option, not as a command")
    func options() {
        let error = index.unknown(["--outptu", "json", "connections", "list"])
        #expect(error.message == "`mm` has no option `--outptu`." && error.hint == "Did you mean `--output`?")
        #expect(index.unknown(["--verion"]).hint == "Did you mean `--version`?")
        #expect(index.unknown(["hlep"]).hint == "Did you mean `mm help`?")
        #expect(index.unknown(["--xyzzy=1", "graph"]).message == "`mm` has no option `--xyzzy`.")
        #expect(index.unknown(["--json", "--xyzzy"]).message == "`mm` has no option `--xyzzy`.")
    }

    @Test(
        "a line of options that every command takes lacks a command",
        arguments: [["--json"], ["-o", "json"], ["--sort", "-name"]])
    func lonely(line: [String]) {
        #expect(index.unknown(line).message == "`mm \(line[0])` lacks a command.")
    }

    @Test("a verb of another noun leads to that, but an unknown verb of a command doesn't")
    func others() {
        let index = CommandIndex(catalogue: .standard, locals: []) { $0.first.map { ["mm graph C /\($0)"] } ?? [] }
        #expect(index.unknown(["users"]).hint == "Did you mean `mm graph C /users`?")
        #expect(index.unknown(["connections", "shwo"]).hint?.contains("connections show") == true)
    }

    @Test("if nothing is similar, the answer names the list of commands")
    func far() {
        #expect(index.unknown(["xyzzy"]).hint == "See `mm help --all`.")
        #expect(index.unknown([]).hint == "See `mm help --all`.")
    }
}
