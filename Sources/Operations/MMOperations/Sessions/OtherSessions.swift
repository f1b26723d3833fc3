import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative
import MMPowerShell
import MMSessions
import PowerShellSyntax

/// The sessions of other modules in which a script in PowerShell calls cmdlets.
///
/// A session holds one module, because modules of different services can't be loaded into one process. A script that
/// uses several modules runs in the session of one of them, where functions stand for the cmdlets of the others
/// (`other-modules.ps1`). Each call of such a function comes through the session's proxy and becomes a line of
/// PowerShell of its own, which is judged, noted in the journal and run like any other, natively if possible. It needs
/// no further confirmation if the clearance of the script covers it.
struct OtherSessions: Sendable {
    private let script: RunScript
    private let whole: ClearedParts
    /// The results of the calls, for the script's answer.
    private let account = Account()

    /// - Parameters:
    ///   - script: the script that calls them.
    ///   - whole: the clearance of the script.
    init(of script: RunScript, _ whole: ClearedParts) {
        (self.script, self.whole) = (script, whole)
    }

    private final class Account: Sendable {
        struct State {
            /// The number of calls of each module.
            var counts: [String: Int] = [:]
            /// The lines that a dry run did not carry out.
            var heldBack: [String] = []
            /// The first error that the script's caller must get unchanged, such as a needed sign-in or confirmation.
            var need: MMError?
        }

        let state = Mutex(State())

        /// Counts a call.
        /// - Returns: the counts so far, for the audit log.
        func count(_ module: String) -> JSONObject {
            state.withLock { state in
                state.counts[module, default: 0] += 1
                return JSONObject(state.counts.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64($0.value))) })
            }
        }
    }

    // MARK: Around the script

    /// Signs the other sessions in before the script begins, so that it isn't interrupted by a device code.
    func open(showing prompt: (@Sendable (JSONObject) -> Void)?) async throws(MMError) {
        // A script of native modules seldom needs PowerShell; its other sessions are opened when they are called.
        guard !script.isForNativeModule else { return }
        for module in Set(script.elsewhere.values).sorted() {
            _ = try await script.services.sessions.connect(
                script.key(of: module), until: script.context.deadline, onPrompt: prompt)
        }
    }

    /// Returns the script's answer, with the lines that a dry run held back in other sessions.
    /// - Throws: the error of a cmdlet in another session that needs a person, even if the script handled it.
    func ended(_ answer: SessionAnswer) throws(MMError) -> SessionAnswer {
        let account = account.state.withLock { $0 }
        if let need = account.need {
            guard case .powerShell(let left) = answer.output else { throw need }
            throw need.withOutput(left.values)
        }
        var told = answer
        told.notices += account.heldBack.map { "Held back in its module's session: \($0)" }
        return told
    }

    // MARK: A call

    /// Returns the answer to a call, one frame a line.
    func carryOut(_ call: [UInt8]) async -> [UInt8] {
        do throws(MMError) {
            let call = try CmdletCallText(call)
            guard let module = script.elsewhere[call.cmdlet.lowercased()] else {
                throw MMError(
                    .denied, "\(call.cmdlet) is not written in the script, so it was not called.",
                    hint: "Write its full name in the script, so that the guard sees it before anything runs.")
            }
            script.context.record.note("otherModules", .object(account.count(module)))
            return Self.lines(try await frames(of: call, in: module))
        } catch {
            if error.code == .signInNeeded || error.code == .confirmationNeeded || script.context.call.planning != nil {
                account.state.withLock { $0.need = $0.need ?? error }
            }
            let message = [error.message, error.hint].compactMap(\.self).joined(separator: " ")
            return Self.lines([["t": "failure", "message": .string(message), "id": .string(error.code.word)]])
        }
    }

    /// Returns the answer to a call that is refused.
    static func refusal(_ message: String) -> [UInt8] {
        lines([["t": "failure", "message": .string(message), "id": "NotCalled"]])
    }

    private static func lines(_ frames: [JSONObject]) -> [UInt8] {
        frames.reduce(into: []) { bytes, frame in
            bytes += JSONWriter.bytes(.object(frame))
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    private func frames(of call: CmdletCallText, in module: String) async throws(MMError) -> [JSONObject] {
        let context = part
        return try await CallerAssertion.with(context.call.assertion) { () async throws(MMError) in
            var input = RunInput()
            (input.connection, input.module, input.command) = (script.connection.name, module, call.text)
            (input.output, input.depth, input.engine) = ("json", CmdletCallText.depth, script.input.engine)
            if input.engine == .pwsh, !RunModule.hasPowerShell(module) { input.engine = nil }
            let line = try RunScript(
                call.text, input, on: script.connection.name, format: .objects, in: context, with: script.services)
            let judged = try await JudgedScript(try await PreparedScript(line))
            if try await judged.recorded() != nil { return [] }
            if script.input.isDryRun, judged.verdict.guardClass != .read {
                account.state.withLock { $0.heldBack.append(call.text) }
                return []
            }
            return try Self.frames(of: try await judged.cleared(asPartOf: (whole, call.names)).left())
        }
    }

    /// The context of a call, which is a part of the script's call.
    private var part: OperationContext {
        var call = script.context.part()
        call.namesEngine = false
        call.progress = { _ in }
        return OperationContext(call: call, deadline: script.context.deadline, record: CallRecord())
    }

    // MARK: The answer

    private static func frames(of answer: SessionAnswer) throws(MMError) -> [JSONObject] {
        if let error = answer.traffic?.error { throw error }
        switch answer.output {
        case .native(let native): return try frames(of: native)
        case .powerShell(let left):
            // The stand-in's values have no types that PowerShell's serialization would keep.
            return frames(of: left, as: answer.isStandIn ? "value" : "object")
        }
    }

    private static func frames(of native: NativeAnswer) throws(MMError) -> [JSONObject] {
        if let interruption = native.interruption { throw interruption }
        let result = native.result
        var frames: [JSONObject] = result.objects.map { ["t": "value", "v": $0.json(depth: CmdletCallText.depth)] }
        frames += result.warnings.map { ["t": "warning", "v": .string($0)] }
        frames += (result.information + native.information).map { ["t": "information", "v": .string($0)] }
        frames += result.errors.map { frame("error", $0) }
        // A refusal by the service ends a script in the native engine. In PowerShell it is an error record of the
        // cmdlet, handled by the caller's error preference.
        if let failure = result.failure {
            frames.append(frame(native.causes[failure] == nil ? "failure" : "error", failure))
        }
        return frames
    }

    private static func frame(_ kind: String, _ error: NativeError) -> JSONObject {
        [
            "t": .string(kind), "message": .string(error.message), "id": .string(error.id),
            "category": error.category.map { .string($0) } ?? .null,
        ]
    }

    private static func frames(of left: PowerShellAnswer, as kind: String) -> [JSONObject] {
        var frames: [JSONObject] = left.records.compactMap { record in
            switch record.stream {
            case .output: ["t": .string(kind), "v": record.value]
            case .text: ["t": "value", "v": record.value]
            case .warning: ["t": "warning", "v": record.value]
            case .information: ["t": "information", "v": record.value["message"] ?? .null]
            case .error:
                [
                    "t": "error", "message": record.value["message"] ?? .null, "id": record.value["id"] ?? .null,
                    "category": record.value["category"] ?? .null, "target": record.value["target"] ?? .null,
                ]
            case .verbose, .debug, .progress: nil
            }
        }
        if left.end?.state != .completed {
            frames.append([
                "t": "failure", "message": .string(left.problem ?? "The cmdlet was stopped."),
                "id": left.end?.failure?.id.map { .string($0) } ?? .null,
            ])
        }
        return frames
    }
}

/// A call of a cmdlet from another session, as a line of PowerShell. Its values are written as literals, so that the
/// guard sees what runs and nothing in the values is executed.
struct CmdletCallText: Sendable {
    /// The maximum depth of an answer's objects.
    static let depth = 5
    private static let deepest = 12

    /// The cmdlet's name.
    let cmdlet: String
    /// The line.
    let text: String
    /// Every text and number in the call's values.
    let names: [String]

    /// Reads a call: `cmdlet`, `arguments` (each a `name`, with `tied` if its value was attached with a colon, or a
    /// `value`), and `input`, the values piped in.
    /// - Throws: `invalidInput` if the bytes aren't a call.
    init(_ bytes: [UInt8]) throws(MMError) {
        guard let call = try? JSONParser.parse(bytes), let name = call["cmdlet"]?.string, Self.isName(name) else {
            throw Self.strange("a call")
        }
        cmdlet = name
        let arguments = call["arguments"]?.array ?? []
        names = ((call["input"]?.array ?? []) + arguments.compactMap { $0["value"] }).flatMap(Self.names(in:))
        var line = ""
        if let piped = call["input"]?.array {
            line = "@(" + (try Self.texts(piped)).joined(separator: ", ") + ") | "
        }
        line += name
        var tie: Bool?
        for argument in arguments {
            if let parameter = argument["name"]?.string {
                guard Self.isName(parameter) else { throw Self.strange("the name of a parameter") }
                line += " -" + parameter
                tie = argument["tied"] == .bool(true)
            } else {
                let value = argument["value"] ?? .null
                // A Boolean belongs to the switch before it, and would be an argument of its own without the colon.
                let isTied = tie.map { $0 || value["t"] == "bool" } ?? false
                line += (isTied ? ":" : " ") + (try Self.text(value, Self.deepest))
                tie = nil
            }
        }
        text = line
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first | 0x20 >= UInt8(ascii: "a"), first | 0x20 <= UInt8(ascii: "z"),
            text.utf8.count <= 200
        else { return false }
        return text.utf8.allSatisfy { unit in
            (0x30...0x39).contains(unit) || (0x61...0x7A).contains(unit | 0x20) || unit == UInt8(ascii: "-")
                || unit == UInt8(ascii: "_")
        }
    }

    private static func strange(_ what: String) -> MMError {
        MMError(.invalidInput, "The session's proxy received something that is not \(what) of a cmdlet.")
    }

    private static func names(in value: JSONValue) -> [String] {
        switch value["v"] {
        case .string(let text)?: [text]
        case .array(let items)?: items.flatMap { names(in: $0["k"] == nil ? $0 : $0["v"] ?? .null) }
        default: []
        }
    }

    private static func texts(_ values: [JSONValue]) throws(MMError) -> [String] {
        try values.map { (value) throws(MMError) in try text(value, deepest) }
    }

    /// Returns the literal of a value.
    private static func text(_ value: JSONValue, _ depth: Int) throws(MMError) -> String {
        guard depth > 0, let kind = value["t"]?.string else { throw strange("a value") }
        let plain = value["v"]?.string
        switch kind {
        case "null": return "$null"
        case "bool": return value["v"] == .bool(true) ? "$true" : "$false"
        case "text": return quoted(plain ?? "")
        case "number":
            guard let plain, let number = Double(plain), number.isFinite,
                plain.utf8.allSatisfy({ "0123456789+-.Ee".utf8.contains($0) })
            else { throw strange("a number") }
            return plain.utf8.first == UInt8(ascii: "-") ? "(\(plain))" : plain
        case "date": return "([datetime]\(quoted(plain ?? "")))"
        case "span": return "([timespan]\(quoted(plain ?? "")))"
        case "bytes": return "([Convert]::FromBase64String(\(quoted(plain ?? ""))))"
        case "block": return "{\n\(try block(plain ?? ""))\n}"
        case "list":
            var items: [String] = []
            for item in value["v"]?.array ?? [] { items.append(try text(item, depth - 1)) }
            return "@(\(items.joined(separator: ", ")))"
        case "map", "object":
            var members: [String] = []
            for member in value["v"]?.array ?? [] {
                members.append(
                    "\(quoted(member["k"]?.string ?? "")) = \(try text(member["v"] ?? .null, depth - 1))")
            }
            let table = "@{\(members.joined(separator: "; "))}"
            return kind == "map" ? table : "([pscustomobject]\(table))"
        default: throw strange("a value")
        }
    }

    /// Returns the text of a script block if it is complete by itself; an unbalanced brace would end the block early.
    private static func block(_ text: String) throws(MMError) -> String {
        guard PowerShellParser.parse(text).errors.isEmpty else { throw strange("a script block") }
        return text
    }

    private static func quoted(_ text: String) -> String { PSLiteral.quoted(text) }
}
