import MMCore
import Testing

@Suite("Help and usage of every command", .timeLimit(.minutes(10)))
struct CommandHelpTests {
    private let home: TemporaryHome

    init() throws { home = try TemporaryHome() }

    private func mm(_ words: [String]) async throws -> Tenant.Ran {
        try await Tenant.run(Programs.mm, words, home.environment)
    }

    /// The words of every command for people.
    private func commands() async throws -> [[String]] {
        let text = try await mm(["help", "--all"]).output
        let end = try #require(text.firstRange(of: "\nOptions of every command"))
        return text[..<end.lowerBound].split(separator: "\n").filter { $0.hasPrefix("  ") }.map { line in
            var words = ""
            for letter in line.dropFirst(2) {
                if letter == " ", words.hasSuffix(" ") { break }
                words.append(letter)
            }
            return words.split(separator: " ").map(String.init)
        }
    }

    /// The exit code for a wrong command line. `mm drift` uses 2 for differences.
    private static func usage(_ words: [String]) -> Int32 {
        [["drift"], ["snapshot", "diff"], ["plan"], ["apply"]].contains(words) ? 1 : 2
    }

    @Test("the log of a connection that doesn't exist is not taken for an empty one")
    func unknownLog() async throws {
        let refused = try await mm(["pool", "logs", "NoConn"])
        #expect(refused.code == 1 && refused.error.contains("There is no connection 'NoConn'"), "\(refused)")
        let empty = try await mm(["pool", "logs"])
        #expect(empty.code == 0 && empty.error.contains("The log is empty."), "\(empty)")
    }

    @Test("every command refuses an unknown flag and shows its usage, which its help shows too")
    func wrongFlags() async throws {
        let commands = try await commands()
        #expect(commands.count > 60)
        for words in commands {
            let name = words.joined(separator: " ")
            let refused = try await mm(words + ["--no-such-flag"])
            #expect(refused.code == Self.usage(words), "\(name)")
            #expect(refused.error.contains("`mm \(name)` has no flag --no-such-flag."), "\(name): \(refused.error)")
            #expect(refused.error.contains("See `mm \(name) --help`."), "\(name)")
            let usage = refused.error.split(separator: "\n").first { $0.hasPrefix("Usage: mm \(name) ") }
            let help = try await mm(words + ["--help"])
            #expect(help.code == 0, "\(name)")
            #expect(try help.output.contains(String(#require(usage)) + "\n"), "\(name): \(help.output)")
        }
    }

    // Each program has hash tables of its own order, which must not show in an answer.
    @Test("a question has the same answer each time", arguments: ["groups a user is member of"])
    func sameAnswers(question: String) async throws {
        var answers: Set<String> = []
        for _ in 1...12 { answers.insert(try await mm(["endpoints", question, "--json"]).output) }
        #expect(answers.count == 1)
        #expect(try #require(answers.first).contains("memberOf"))
    }

    @Test(
        "what runs tools says why one can't be used, whatever flags follow its name",
        arguments: [
            (["do", "broken"], "a step has no key `request`"),
            (["do", "nobody"], "There is no tool of your own called"),
            (["recipe", "nobody"], "There is no recipe called"),
        ])
    func unusableTools(words: [String], reason: String) async throws {
        try ProtectedFile.replace(
            home.path + "/.config/mm/tools/broken.yaml",
            with: Array("description: Broken.\nsteps:\n- id: found\n  request: GET /users\n".utf8))
        for flags in [[], ["Contoso", "--department", "Sales"], ["--embedded", "Contoso", "--days=3"]] {
            let refused = try await mm(words + flags)
            #expect(refused.code != 0 && refused.error.contains(reason), "\(flags): \(refused)")
        }
    }

    @Test("every command refuses a surplus argument and shows its usage")
    func wrongArguments() async throws {
        // Leave out commands that take any number of words.
        for words in try await commands() {
            let name = words.joined(separator: " ")
            let help = try await mm(words + ["--help"]).output
            let usage = try #require(help.split(separator: "\n").first { $0.hasPrefix("Usage: mm \(name)") })
            let places = usage.split(separator: " ").dropFirst(2 + words.count).dropLast()
            if places.contains(where: { $0.contains("…") }) { continue }
            let refused = try await mm(words + Array(repeating: "1", count: places.count + 1))
            #expect(refused.code == Self.usage(words), "\(name): \(refused.output)")
            #expect(refused.error.contains("takes no further argument"), "\(name): \(refused.error)")
            #expect(refused.error.contains("\(usage)\n"), "\(name): \(refused.error)")
        }
    }

    @Test("a missing argument is an error that shows the usage")
    func missingArguments() async throws {
        for (words, argument) in [
            (["connections", "show"], "connection"), (["login"], "connection"), (["completions"], "shell"),
        ] {
            let refused = try await mm(words)
            #expect(refused.code == 2, "\(words)")
            #expect(refused.error.contains("`\(argument)`"), "\(refused.error)")
            #expect(refused.error.contains("\nUsage: mm \(words.joined(separator: " ")) "), "\(refused.error)")
        }
    }

    @Test("completion offers every command that help lists, and no other")
    func completion() async throws {
        func offered(_ words: [String]) async throws -> Set<String> {
            let lines = try await mm(["complete", "--"] + words + [""]).output.split(separator: "\n")
            return Set(lines.map { String($0.prefix { $0 != "\t" }) })
        }
        let listed = try await commands()
        let nouns = try await offered([])
        #expect(nouns == Set(listed.map { $0[0] }))
        for noun in nouns {
            let verbs = Set(listed.filter { $0.count > 1 && $0[0] == noun }.map { $0[1] })
            #expect(try await offered([noun]).isSuperset(of: verbs), "\(noun)")
        }
    }

    @Test("a noun's help lists its commands; the overview is the nouns, and help --all is every command")
    func nouns() async throws {
        let overview = try await mm([])
        let asked = try await [mm(["--help"]).output, mm(["help"]).output]
        #expect(overview.code == 0 && asked == [overview.output, overview.output])
        #expect(overview.output.contains("\n  connections ") && !overview.output.contains("connections add"))
        let commands = try await commands()
        for noun in Set(commands.filter { $0.count > 1 }.map { $0[0] }) {
            let help = try await mm([noun, "--help"])
            #expect(help.code == 0)
            for words in commands where words.count > 1 && words[0] == noun {
                #expect(help.output.contains("  \(words.joined(separator: " "))  "), "\(noun): \(help.output)")
            }
        }
    }
}
