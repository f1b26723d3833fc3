import MMCore
import MMHTTP
import MMMCP
import MMOperations
import TestSupport
import Testing

@testable import MMServing

/// The messages that a model may get, for all possible errors.
@Suite("Errors for callers with tools only", .timeLimit(.minutes(10)))
struct MessageWordsTests {
    private let words = AgentWords(prefix: "mm__")

    /// The parts of a text for a command line: a command that isn't attributed to the owner, a flag of an operation.
    private func strangers(in text: String) -> [String] {
        let commands = Set(Catalogue.standard.operations.compactMap { $0.declaration.command.first })
        let flags = Set(
            Catalogue.standard.operations.filter { $0.declaration.audience == .everyone }
                .flatMap { $0.fields.map { "--" + $0.flagName } })
        let served = Set(MCPFaceOptions.fields.map { "--" + $0.flagName })
        var found: [String] = []
        var before: Substring = ""
        let pieces = text.split(whereSeparator: { " \n(`'\"".contains($0) })
        for (place, piece) in pieces.enumerated() {
            let word = String(piece.prefix { $0.isLetter || $0 == "-" || $0 == "_" })
            let isOwners = pieces[place...].prefix(14).contains { $0.hasPrefix("owner") }
            if before == "mm", commands.contains(word), !isOwners { found.append("mm \(word)") }
            if word.hasPrefix("--"), flags.contains(word), !served.contains(word), !isOwners,
                !pieces[..<place].suffix(8).contains("mm")
            {
                found.append(word)
            }
            before = piece
        }
        return found
    }

    /// The calls in a text after which a part of the command they were made of is left: a quoted argument, a flag.
    private func unfinished(in text: String) -> [String] {
        var found: [String] = []
        var rest = text[...]
        while let call = rest.firstRange(of: "mm__") {
            var end = rest[call.upperBound...].firstIndex { !$0.isLetter && $0 != "_" } ?? rest.endIndex
            if rest[end...].hasPrefix(" {") {
                var depth = 0
                repeat {
                    end = rest.index(after: end)
                    if rest[end] == "{" { depth += 1 }
                    if rest[end] == "}" { depth -= 1 }
                } while depth > 0 && rest.index(after: end) < rest.endIndex
                end = rest.index(after: end)
            }
            if [" '", " -", " X1"].contains(where: rest[end...].hasPrefix) {
                found.append(String(rest[call.lowerBound...].prefix(80)))
            }
            rest = rest[end...]
        }
        return found
    }

    /// The texts of the errors in a source: the arguments of `MMError(…)`, with a word in place of each interpolation.
    private static func errorTexts(_ source: String) -> [String] {
        var texts: [String] = []
        var rest = source[...]
        while let call = rest.firstRange(of: "MMError(") {
            rest = rest[call.upperBound...]
            var depth = 1
            var joins = false
            var place = rest.startIndex
            while place < rest.endIndex, depth > 0 {
                switch rest[place] {
                case "(": depth += 1
                case ")": depth -= 1
                case "\"":
                    let (text, end) = literal(rest[place...])
                    if joins, let last = texts.popLast() { texts.append(last + text) } else { texts.append(text) }
                    joins = rest[end...].drop(while: \.isWhitespace).first == "+"
                    place = end
                    continue
                default: break
                }
                place = rest.index(after: place)
            }
            rest = rest[place...]
        }
        return texts
    }

    /// A literal that begins here, and its end.
    private static func literal(_ source: Substring) -> (text: String, end: Substring.Index) {
        let fence = source.hasPrefix("\"\"\"") ? "\"\"\"" : "\""
        var place = source.index(source.startIndex, offsetBy: fence.count)
        var text = ""
        while place < source.endIndex, !source[place...].hasPrefix(fence) {
            guard source[place] == "\\" else {
                text.append(source[place])
                place = source.index(after: place)
                continue
            }
            place = source.index(after: place)
            guard place < source.endIndex, source[place] == "(" else {
                if place < source.endIndex, source[place] != "\n" {
                    text.append(source[place] == "n" ? "\n" : source[place])
                }
                if place < source.endIndex { place = source.index(after: place) }
                continue
            }
            var depth = 0
            repeat {
                if source[place] == "(" { depth += 1 }
                if source[place] == ")" { depth -= 1 }
                place = source.index(after: place)
            } while depth > 0 && place < source.endIndex
            text += "X1"
        }
        let end = source.index(place, offsetBy: fence.count, limitedBy: source.endIndex) ?? source.endIndex
        return (text, end)
    }

    @Test("no error of any operation, or of the code they use, names a command or a flag")
    func sources() throws {
        var count = 0
        var faults: [String] = []
        for folder in ["Operations", "Guard", "Identity", "MMGraph", "Sessions", "MMPowerShell", "MMCore"] {
            for file in DocumentedPages.files(below: "Sources/\(folder)", ending: ".swift") {
                for text in Self.errorTexts(try DocumentedPages.text(file)) {
                    count += 1
                    let found = strangers(in: words.translated(text)) + unfinished(in: words.translated(text))
                    if !found.isEmpty { faults.append("\(file): \(found): \(words.translated(text))") }
                }
            }
        }
        #expect(count > 1_500)
        #expect(faults.isEmpty, "\(faults.count):\n\(faults.joined(separator: "\n"))")
    }

    @Test("no operation for models describes itself or an argument by a command or a flag")
    func descriptions() {
        for operation in Catalogue.standard.operations where operation.declaration.audience == .everyone {
            let declaration = operation.declaration
            for text in [declaration.title, declaration.summary] + operation.fields.map(\.summary) {
                #expect(strangers(in: text).isEmpty, "\(declaration.name): \(text)")
            }
        }
    }

    @Test("a read-only server offers no prompt that changes something")
    func readingPrompts() async throws {
        func prompts(_ words: [String]) async throws -> [String] {
            let home = try ServingHome()
            let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
            let face = try HTTPFace.start(try home.server(words), options, secret: nil, gate: nil, log: .off)
            let caller = HTTPCaller(face)
            let listed = try await caller.call(try await caller.initialize(), "prompts/list")
            await face.stop(graceful: .zero)
            return (listed["prompts"]?.array ?? []).compactMap { $0["name"]?.string }
        }
        let all = try await prompts([])
        let reading = try await prompts(["--read-only"])
        #expect(all.contains("recipe_leaver") && all.contains("offboard_user"))
        #expect(!reading.contains("recipe_leaver") && !reading.contains("offboard_user"))
        #expect(reading.contains("recipe_mail-forwarding") && reading.contains("tenant_health"))
    }

    @Test("no invalid call of a tool or a recipe is answered with a command or a flag")
    func calls() async throws {
        let home = try ServingHome()
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
        let face = try HTTPFace.start(
            try home.server(["--toolsets", "m365,shell,ssh"]), options, secret: nil, gate: nil, log: .off)
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let tools = try await caller.call(session, "tools/list")["tools"]?.array ?? []
        #expect(tools.count > 20)
        var told = 0
        func check(_ tool: String, _ arguments: JSONObject) async throws {
            let answer = try await caller.call(
                session, "tools/call", ["name": .string(tool), "arguments": .object(arguments)])
            guard answer["isError"] != false else { return }
            told += 1
            let text =
                (answer["content"]?.array ?? []).compactMap { $0["text"]?.string }.joined(separator: "\n")
                + (answer["message"]?.string ?? "")
            #expect(strangers(in: text).isEmpty, "\(tool) \(arguments): \(strangers(in: text)): \(text)")
        }
        for tool in tools {
            let name = try #require(tool["name"]?.string)
            let properties = tool["inputSchema"]?["properties"]?.object ?? [:]
            try await check(name, ["nonsense": 1])
            for (property, schema) in properties {
                let wrong: JSONValue = schema["type"] == "object" ? 5 : ["a": 1]
                try await check(name, [property: wrong])
                if schema["enum"] != nil { try await check(name, [property: "nonsense"]) }
            }
            if properties["connection"] != nil { try await check(name, ["connection": "Nope"]) }
            if properties["handle"] != nil { try await check(name, ["handle": "out_nothing"]) }
        }
        let listed = try await caller.call(session, "tools/call", ["name": "mm__recipe", "arguments": [:]])
        let text = (listed["content"]?.array ?? []).compactMap { $0["text"]?.string }.joined(separator: "\n")
        for line in text.split(separator: "\n") {
            let name = line.drop { !$0.isLetter }.prefix { $0.isLetter || $0 == "-" || $0 == "_" || $0.isNumber }
            guard name.contains(where: { "-_".contains($0) }) else { continue }
            try await check(
                "mm__recipe", ["name": .string(String(name)), "parameters": ["nonsense": 1], "connection": "Nope"])
            try await check("mm__recipe", ["name": .string(String(name)), "parameters": 7])
        }
        #expect(told > 100)
        await face.stop(graceful: .zero)
    }
}
