import MMCore
import MMOperations
import ShellSyntax
import Testing

@testable import MMCLI
@testable import MMServing

@Suite("Commands in the documentation and the help") struct DocumentedCommandsTests {
    private static let index = CommandIndex(
        catalogue: .standard, locals: LocalCommands.all(.standard, environment: [:]))

    private static let folder: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(4)
        return parts.joined(separator: "/")
    }()

    /// The pages of the documentation.
    private static let pages: [String] = {
        let docs = (try? FolderListing.names(in: folder + "/Docs")) ?? []
        return ["README.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "Docs/" + $0 }
    }()

    @Test("pages use only existing commands and flags", arguments: pages) func documents(page: String) throws {
        let text = String(decoding: try #require(try ProtectedFile.read(Self.folder + "/" + page)), as: UTF8.self)
        for line in Self.commandLines(of: text) { try expectKnown(line) }
    }

    @Test("the help uses only existing commands and flags") func examples() throws {
        var count = 0
        for entry in Self.index.shown {
            let examples =
                switch entry {
                case .operation(let operation): operation.declaration.examples
                case .local(let command): command.examples
                }
            for example in examples where example.command.hasPrefix("mm ") {
                try expectKnown(example.command)
                count += 1
            }
        }
        #expect(count > 100)
    }

    @Test("the pages contain commands") func found() throws {
        let readme = String(decoding: try #require(try ProtectedFile.read(Self.folder + "/README.md")), as: UTF8.self)
        #expect(Self.commandLines(of: readme).count > 20)
        #expect(Self.pages.count > 15)
    }

    /// The lines of code blocks that begin with `mm`, `mm-mcp`, or one of them after `$`.
    private static func commandLines(of page: String) -> [String] {
        var lines: [String] = []
        var isCode = false
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("```") {
                isCode.toggle()
            } else if isCode {
                let command = text.hasPrefix("$ ") ? text.dropFirst(2) : text
                if command.hasPrefix("mm ") || command.hasPrefix("mm-mcp ") { lines.append(String(command)) }
            }
        }
        return lines
    }

    private func expectKnown(_ line: String) throws {
        let script: ShellScript
        do {
            script = try ShellScript.parse(line, as: .whole)
        } catch {
            Issue.record("\(line): \(error)")
            return
        }
        for command in script.commands where command.name == "mm" {
            expectKnown(command.arguments.map(\.value), in: line)
        }
        for command in script.commands where command.name == "mm-mcp" {
            scan(command.arguments.map(\.value), MCPFaceOptions.fields, in: line)
        }
    }

    private func expectKnown(_ words: [String], in line: String) {
        guard words.first?.hasPrefix("-") == false else { return }
        guard let (entry, found) = Self.index.find(words) else {
            Issue.record("\(line): there is no such command")
            return
        }
        // The flags of a tool come from its definition.
        if ["do", "recipe"].contains(words.first) { return }
        if case .local(let local) = entry, case .words = local.work { return }
        var rest = found
        // A plan contains further commands.
        if entry.fields.contains(where: { $0.kind == .calls }), let end = rest.firstIndex(of: "--") {
            for planned in Self.index.lines(in: rest[(end + 1)...]) { expectKnown(planned, in: line) }
            rest = Array(rest[..<end])
        }
        scan(rest, entry.fields, in: line)
    }

    private func scan(_ words: [String], _ fields: [InputField], in line: String) {
        do throws(MMError) {
            _ = try ArgumentScanner.scan(
                words, fields: fields, command: "mm", content: ContentSource { () throws(MMError) in "{}" })
        } catch {
            // The files belong to the reader.
            let isMissingFile =
                error.message.contains("There is no file") || error.message.contains("does not exist")
            #expect(isMissingFile, "\(line): \(error.message)")
        }
    }
}
