import MMCore
import MMOperations
import Testing

@testable import MMCLI
@testable import MMServing

@Suite("The help of mm", .timeLimit(.minutes(5)))
struct HelpTests {
    private let index = CommandIndex(catalogue: .standard, locals: LocalCommands.all(.standard, environment: [:]))

    private func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

    /// The commands at the beginning of indented lines.
    private func listed(_ text: String) -> [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("  ") }.map { line in
            String(line.dropFirst(2).prefix { $0 != " " })
        }
    }

    @Test("the overview shows nouns in groups on one screen, and names every other command once")
    func overview() throws {
        let text = HelpText.overview(index, .mm)
        #expect(lines(text).count <= 30)
        let words = Set(index.shown.map { $0.words[0] })
        let groups = try #require(text.firstRange(of: "\nMore commands:\n"))
        let nouns = listed(String(text[..<groups.lowerBound]))
        #expect((10...18).contains(nouns.count))
        #expect(Set(nouns).count == nouns.count)
        for noun in nouns { #expect(words.contains(noun), "\(noun)") }
        let rest = String(text[groups.upperBound...])
        let end = try #require(rest.firstRange(of: "\n\n"))
        let others = rest[..<end.lowerBound].split { " ,\n".contains($0) }.map(String.init)
        #expect(Set(others) == words.subtracting(nouns))
    }

    @Test("help --all lists every command for people with its summary")
    func all() {
        let text = HelpText.all(index)
        for entry in index.shown where entry.trigger == nil {
            let words = entry.words.joined(separator: " ")
            #expect(lines(text).contains { $0.hasPrefix("  \(words) ") && $0.hasSuffix(entry.summary) }, "\(words)")
        }
    }

    @Test(
        "commands for programs can be called, but are shown nowhere",
        arguments: [["pool", "child"], ["pool", "isolated"], ["sandbox", "pwsh"]])
    func hidden(words: [String]) async throws {
        #expect(index.find(words)?.entry.words == words)
        let name = words.joined(separator: " ")
        #expect(!HelpText.all(index).contains(name))
        #expect(!index.group([words[0]]).contains { $0.words == words })
        let completion = CompletionAnswer(index) { _ in [] }
        #expect(await completion.candidates([words[0], ""]).allSatisfy { $0.word != words[1] })
        #expect(index.unknown([words[0], words[1] + "x"]).hint?.contains("`mm \(name)`") != true)
    }

    @Test(
        "each argument declares which values completion offers, whatever its name",
        arguments: [
            ("graph", "endpoint", .endpoints), ("guard check", "url", .endpoints), ("mcp install", "url", nil),
            ("output", "handle", .jobs), ("shell run", "session", .shells), ("ssh", "host", .hosts),
            ("doctor powershell", "host", nil), ("exec", "host", nil), ("undo", "session", nil),
            ("connections add", "name", nil), ("connections list", "tag", .tags), ("run", "command", .script),
            ("cmdlets bind", "line", .cmdlets), ("guard rules", "pattern", nil),
            ("audit show", "operation", .operations),
        ] as [(String, String, InputField.KnownValues?)])
    func known(command: String, argument: String, values: InputField.KnownValues?) throws {
        let entry = try #require(index.find(command.split(separator: " ").map(String.init))?.entry)
        #expect(entry.words.joined(separator: " ") == command)
        let field = try #require(entry.fields.first { $0.name == argument })
        #expect(field.known == values)
    }

    @Test("the help of mm-mcp lists every flag that the program declares with its purpose, and uses no other")
    func server() {
        let text = MCPMain.help
        for field in MCPFaceOptions.fields {
            #expect(
                lines(text).filter { $0.hasPrefix("  --\(field.name) ") && $0.hasSuffix(field.summary) }.count == 1,
                "\(field.name)")
        }
        let used = text.split { " []\n".contains($0) }.filter { $0.hasPrefix("--") && !$0.hasPrefix("--flag") }
        let declared = Set(MCPFaceOptions.fields.map { "--\($0.name)" } + ["--version", "--help"])
        #expect(Set(used.map { $0.prefix { $0 != "," && $0 != "." } }.map(String.init)).isSubset(of: declared))
    }

    @Test("every noun has a manual page, and they name all commands, arguments and examples")
    func manual() throws {
        let pages = ManualPage.all(index, date: .now)
        #expect(Set(pages.map(\.name)).isSuperset(of: index.shown.map { "mm-\($0.words[0])" }))
        let graph = try #require(pages.first { $0.name == "mm-graph" })
        #expect(graph.text.hasPrefix(".Dd ") && graph.text.contains(".Sh EXAMPLES"))
        for page in pages {
            // A line that begins with a dot is a macro.
            for line in lines(page.text) where line.hasPrefix(".") {
                #expect(line.dropFirst().first?.isUppercase == true, "\(page.name): \(line)")
            }
        }
    }

    @Test(
        "the help of a command names the time limit of its calls",
        arguments: [("graph", "(default 300)"), ("exec", "(default none)"), ("pool status", "(default 300)")])
    func timeLimit(command: String, limit: String) throws {
        let entry = try #require(index.find(command.split(separator: " ").map(String.init))?.entry)
        let line = HelpText.command(entry).split(separator: "\n").first { $0.contains("--timeout SECONDS") }
        #expect(try #require(line).hasSuffix(limit))
    }

    @Test(
        "the help of a command of this machine alone offers no other pool",
        arguments: [
            ("graph", true), ("status", true), ("pool status", true), ("pool stop", false), ("pool logs", false),
        ])
    func pool(command: String, isOffered: Bool) throws {
        let entry = try #require(index.find(command.split(separator: " ").map(String.init))?.entry)
        #expect(HelpText.command(entry).contains("--pool URL") == isOffered)
    }

    @Test(
        "a noun that is also a command lists its further commands below its own usage", arguments: ["ssh", "cmdlets"])
    func nouns(word: String) throws {
        let entry = try #require(index.find([word])?.entry)
        let text = HelpText.command(entry, verbs: index.group([word]))
        #expect(text.contains("Usage: mm \(word) "))
        for verb in index.group([word]) where verb.trigger == nil {
            #expect(text.contains("  \(verb.words.joined(separator: " "))  "))
        }
    }
}
