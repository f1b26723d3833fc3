import MMCLI
import MMCore
import MMGuard
import MMOperations
import PowerShellSyntax

/// The program `mm`: the catalogue at a terminal.
package enum TerminalMain {
    /// Runs the command line of this process and ends it with the exit code.
    package static func main() -> Never {
        // A signal lets a pool finish its calls; every other command is cancelled by it.
        let isPool = CommandLine.arguments.dropFirst().prefix(2) == ["pool", "serve"]
        let serving = isPool ? try? PoolSignals.take() : nil
        CommandProcess.run(takesSignals: serving == nil) { (words, environment) in
            await perform(words, environment, serving)
        }
    }

    private static func perform(
        _ words: [String], _ environment: [String: String], _ serving: PoolSignals?
    ) async -> Int32 {
        let streams = CommandStreams(environment: environment, words: words)
        let services = OperationServices(environment: environment)
        let tools = ToolCommands.operations(for: words, services)
        let program = CommandLineProgram(
            catalogue: tools.isEmpty ? .standard : Catalogue(Catalogue.standard.operations + tools),
            service: { options in
                do throws(MMError) {
                    let choice = try PoolChoice.of(
                        embedded: options.isEmbedded, pool: options.pool, environment: environment)
                    return .success(try FrontEndService(choice, services, environment))
                } catch {
                    return .failure(error)
                }
            }, locals: { LocalCommands.all($0, environment: environment, signals: serving) }, terminal: streams,
            content: ContentSource(standardInput: StandardInput.text), proof: OwnerProof(paths: services.paths),
            prompts: CommandLineProgram.Prompts(
                history: PromptHistory(path: services.paths.stateDirectory + "/prompt-history.jsonl")
            ) {
                (connection, module) in
                do throws(MMError) {
                    return .success(
                        try PowerShellGuide(connection: connection, module: module, services: services.guardServices))
                } catch {
                    return .failure(error)
                }
            }, others: { OtherWords(connections: (try? services.registry.snapshot().names) ?? []).lines(for: $0) })
        let code = await program.run(words)
        await services.close()
        if serving == nil { await services.auditCopies.sendRest() }
        return code
    }
}

/// Suggestions for a line that begins with an unknown word: something of Microsoft Graph (`mm users`), a cmdlet, a
/// module, a connection, or another program's name for a command.
struct OtherWords: Sendable {
    /// The names of the connections.
    let connections: [String]

    /// Returns the lines that were most likely meant, best first; none if that can't be guessed.
    func lines(for words: [String]) -> [String] {
        guard let first = words.first else { return [] }
        let word = first.lowercased()
        if let name = connections.first(where: { $0.lowercased() == word }) {
            return lines(of: name, words.dropFirst())
        }
        if first.hasPrefix("/") { return [Self.line("graph", connection, first)] }
        if RunModule.names.contains(word) { return [Self.line("run", connection, word)] }
        let cmdlets = cmdlets(word)
        if !cmdlets.isEmpty { return cmdlets }
        if let path = Self.path(word) { return [Self.line("graph", connection, path)] }
        if Self.reading.contains(word), let noun = words.dropFirst().first {
            let path = noun.hasPrefix("/") ? noun : Self.path(noun.lowercased())
            if let path { return [Self.line("graph", connection, path)] }
        }
        let known = Self.elsewhere.first { $0.words.contains(word) }
        return known.map { [$0.line.replacing("CONNECTION", with: ShellWord.quoted(connection))] } ?? []
    }

    /// Returns a command line that a person can copy into a shell.
    private static func line(_ words: String...) -> String {
        "mm " + words.map(ShellWord.quoted).joined(separator: " ")
    }

    /// The connection in a suggestion: the only one's name, or a placeholder.
    private var connection: String { connections.count == 1 ? connections[0] : "CONNECTION" }

    /// Returns suggestions for a line that begins with a connection and lacks the command.
    private func lines(of name: String, _ rest: ArraySlice<String>) -> [String] {
        guard let next = rest.first else {
            return [Self.line("status", name), Self.line("graph", name, "/users"), Self.line("run", name, "exo")]
        }
        if RunModule.names.contains(next.lowercased()) { return [Self.line("run", name, next.lowercased())] }
        if next.hasPrefix("/") { return [Self.line("graph", name, next)] }
        return [Self.path(next.lowercased()).map { Self.line("graph", name, $0) } ?? Self.line("status", name)]
    }

    /// Returns the lines that run a cmdlet with this name, or with one that differs by a typing error.
    private func cmdlets(_ word: String) -> [String] {
        guard word.contains("-"), word.first != "-" else { return [] }
        for module in RunModule.names {
            let known = CmdletCompletion(module: module).names(startingWith: word)
            if let name = known.first(where: { $0.lowercased() == word }) { return [line(name, in: module)] }
        }
        for module in RunModule.names {
            let known = CmdletCompletion(module: module).names(startingWith: "")
            let meant = known.filter { NearName.isSlip(word, of: $0) }
            if !meant.isEmpty { return meant.prefix(3).map { line($0, in: module) } }
        }
        return []
    }

    private func line(_ cmdlet: String, in module: String) -> String {
        Self.line("run", connection, module, cmdlet + " …")
    }

    /// Returns the Microsoft Graph path for a word in the singular or plural.
    private static func path(_ word: String) -> String? {
        if let known = paths[word] { return known }
        guard word.allSatisfy({ $0.isLetter }) else { return nil }
        let wanted = [word + "s", word].map { "/" + $0 }
        let found = PathCompletion().candidates(for: "/" + word).filter { $0.methods.contains("GET") }
        return wanted.lazy.compactMap { path in found.first { $0.path.lowercased() == path } }.first?.path
    }

    private static let reading: Set<String> = ["get", "list", "ls", "show"]

    private static let paths = [
        "licence": "/subscribedSkus", "licences": "/subscribedSkus", "license": "/subscribedSkus",
        "licenses": "/subscribedSkus", "signins": "/auditLogs/signIns",
        "mail": "/me/messages", "messages": "/me/messages", "roles": "/directoryRoles", "apps": "/applications",
    ]

    /// Other programs' names for commands.
    private static let elsewhere: [(words: Set<String>, line: String)] = [
        (["api", "rest", "request", "get", "post", "patch"], "mm graph CONNECTION /users"),
        (["auth", "signin", "sign-in"], "mm login CONNECTION"),
        (["list", "ls", "account", "accounts", "tenant", "tenants", "config"], "mm connections"),
        (["whoami"], "mm status"), (["search", "find"], "mm endpoints 'inbox rules of a user'"),
        (["exchange", "mailbox", "mailboxes"], "mm run CONNECTION exo 'Get-Mailbox -ResultSize 5'"),
    ]
}

/// The owner's tools and the recipes as commands, each with its own flags and help.
enum ToolCommands {
    /// Returns the operations of the shelves that a command line mentions, so that other command lines don't have to
    /// read the folder.
    static func operations(for words: [String], _ services: OperationServices) -> [AnyOperation] {
        // In lines for help and completion, the command follows these words.
        let line = words.drop { ["complete", "--", "help"].contains($0) }
        // The `--` of a plan is followed by further command lines.
        let nouns = line.split(separator: "--").compactMap(\.first)
        let shelves = [ToolShelf.own(services.paths), .recipes].filter { nouns.contains($0.operation) }
        guard !shelves.isEmpty, let engine = try? services.guards.engine() else { return [] }
        return shelves.flatMap { shelf in
            ToolProjection.operations(of: shelf, shelf.contents(), effects: ToolEffects(engine))
        }
    }
}

/// The guide to PowerShell for the prompt of a connection's session.
struct PowerShellGuide: PromptGuide {
    private let preview: ScriptPreview
    private let words: CmdletWords

    /// Creates a guide for a connection and a module.
    /// - Throws: `notFound` or `invalidInput` that lists the names.
    init(connection: String, module: String, services: GuardServices) throws(MMError) {
        preview = try ScriptPreview(connection: connection, module: module, services: services)
        words = CmdletWords(module: preview.module)
    }

    func isUnfinished(_ text: String) -> Bool {
        // A line that ends with a backtick continues, as one that ends with a pipe does.
        text.hasSuffix("`") || PowerShellParser.parse(text).isIncomplete
    }

    func holdsSecret(_ text: String) -> Bool {
        if Redactor.standard.text(text) != text { return true }
        guard let verdict = try? preview.verdict(on: text) else { return true }
        return verdict.classes.contains(.secret)
    }

    func completions(of text: String) -> (typed: String, words: [String]) {
        // Nothing is offered for an empty word, since that would be every cmdlet.
        let found = words.completions(of: text)
        return found.typed.isEmpty ? ("", []) : found
    }

    func remark(on text: String, beforeCursor: String) -> PromptRemark? {
        // Trailing blanks and line ends don't finish an unfinished text.
        let end = text.lastIndex { !$0.isWhitespace }
        guard let end, !isUnfinished(String(text[...end])), !words.isTypingName(at: beforeCursor),
            let verdict = try? preview.verdict(on: text)
        else { return nil }
        let word = verdict.guardClass.rawValue
        return switch verdict.decision {
        case .allow: PromptRemark(.runs, word)
        case .ask: PromptRemark(.asks, "asks: \(word)")
        case .deny: PromptRemark(.refused, "refused: \(word)")
        }
    }
}

/// The cmdlets and parameters that complete a PowerShell text.
struct CmdletWords: Sendable {
    private let cmdlets: CmdletCompletion

    /// Creates the words of a module and of PowerShell itself.
    init(module: String) { cmdlets = CmdletCompletion(module: module) }

    /// Returns the completions of a text: the part of it that they replace, and the words.
    func completions(of text: String) -> (typed: String, words: [String]) {
        let (first, typed) = command(at: text)
        guard let first else { return (typed, cmdlets.names(startingWith: typed)) }
        guard typed.hasPrefix("-") else { return (typed, []) }
        let wanted = typed.dropFirst().lowercased()
        let parameters = cmdlets.parameters(of: first).filter { $0.lowercased().hasPrefix(wanted) }
        return (typed, parameters.map { "-" + $0 })
    }

    /// Returns whether a text ends with an incomplete cmdlet name.
    func isTypingName(at text: String) -> Bool {
        let (first, typed) = command(at: text)
        guard first == nil, !typed.isEmpty else { return false }
        let names = cmdlets.names(startingWith: typed)
        return !names.isEmpty && !names.contains { $0.lowercased() == typed.lowercased() }
    }

    /// Returns the command at the end of a text: its name if that is complete, and the word that is being typed.
    private func command(at text: String) -> (name: String?, typed: String) {
        let separators: Set<Character> = ["|", ";", "(", "{", "&", "=", "\n"]
        let isAtStart = text.last.map { separators.contains($0) } ?? true
        let command = isAtStart ? "" : text.split(whereSeparator: { separators.contains($0) }).last ?? ""
        let words = command.split(separator: " ")
        let typed = command.last == " " ? "" : words.last.map(String.init) ?? ""
        let isName = words.count > 1 || typed.isEmpty
        return (isName ? words.first.map(String.init) : nil, typed)
    }
}
