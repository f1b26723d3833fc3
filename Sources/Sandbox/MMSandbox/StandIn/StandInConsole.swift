import Glibc
import MMCore
import MMPowerShell
import MMSystem
import PowerShellSyntax

/// The stand-in as a program by itself: it holds a session with its own host, writes the records to the standard
/// streams, and exits with the code of the session's end.
final class StandInConsole {
    private let wire: StandInWire
    private var commands: Int64 = 0
    /// Whether the last output was an error.
    private var hasFailed = false

    private init(_ wire: StandInWire) { self.wire = wire }

    /// Runs the work that the stand-in was started for.
    /// - Parameter host: returns the host for the other end of a wire; it is used by one thread only.
    /// - Returns: the exit code.
    static func run(_ options: StandInOptions, host: @escaping @Sendable (StandInWire) -> StandInHost) -> Int32 {
        do throws(MMError) {
            let (own, far) = try FileDescriptor.socketPair().ends()
            try DedicatedThread.start("stand-in host") { _ = host(StandInWire(owning: far)).serve() }
            return try StandInConsole(StandInWire(owning: own)).carryOut(options.work)
        } catch {
            show(error.description, on: 2)
            return error.code == .invalidInput ? 64 : 70
        }
    }

    private func carryOut(_ work: StandInWork) throws(MMError) -> Int32 {
        switch work {
        case .text(let text): return run(text) ?? (hasFailed ? 1 : 0)
        case .file(let path, let words):
            let text = String(decoding: try ProtectedFile.read(path) ?? [], as: UTF8.self)
            return run(text, try Self.arguments(words, of: text)) ?? 0
        case .input: return readLines()
        }
    }

    /// Runs each line of standard input as it arrives, in one session.
    private func readLines() -> Int32 {
        let isAsked = Terminal.isTerminal(0)
        while true {
            if isAsked { Self.show("PS> ", on: 1, terminator: "") }
            guard let line = readLine() else { break }
            guard !line.allSatisfy(\.isWhitespace) else { continue }
            if let code = run(line), Self.exitCode(of: line) != nil { return code }
        }
        return hasFailed ? 1 : 0
    }

    /// Returns the exit code with which a script ends the program; nil if it doesn't.
    private static func exitCode(of script: String) -> Int32? {
        guard case .flow(let flow)? = PowerShellParser.parse(script).root?.body?.statements.last, flow.kind == .exit,
            case .pipeline(let value)? = flow.value, case .expression(let element)? = value.elements.first,
            case .number(let number)? = Optional(element.expression)
        else { return nil }
        return Int32(number.text)
    }

    /// Runs a script.
    /// - Returns: the exit code if the script has ended the program; otherwise nil.
    private func run(_ script: String, _ parameters: JSONObject = [:]) -> Int32? {
        commands += 1
        hasFailed = false
        wire.put([
            "t": "run", "id": .int(commands), "script": .string(script), "parameters": .object(parameters),
            "format": "text", "width": 120,
        ])
        while case .request(let frame) = wire.request(within: nil) {
            guard let kind = frame["t"]?.string else { continue }
            if kind == "end" { return end(frame, of: script) }
            if let stream = PowerShellRecord.Stream(rawValue: kind) { show(stream, frame["v"] ?? .null) }
        }
        return 70
    }

    private func end(_ frame: JSONObject, of script: String) -> Int32? {
        switch frame["state"]?.string {
        case "Completed": return Self.exitCode(of: script)
        default:
            hasFailed = true
            for problem in frame["problems"]?.array ?? [] { Self.show(problem["message"]?.string ?? "", on: 2) }
            if let message = frame["failure"]?["message"]?.string { Self.show(message, on: 2) }
            return 1
        }
    }

    private func show(_ stream: PowerShellRecord.Stream, _ value: JSONValue) {
        hasFailed = stream == .error
        switch stream {
        case .output, .text: Self.show(value.string ?? JSONWriter.string(value), on: 1)
        case .information: Self.show(value["message"]?.string ?? "", on: 1)
        case .warning: Self.show("WARNING: \(value.string ?? "")", on: 1)
        case .error: Self.show(value["message"]?.string ?? "", on: 2)
        case .verbose, .debug, .progress: return
        }
    }

    /// Binds the words after a script's name to its parameters.
    private static func arguments(_ words: [String], of text: String) throws(MMError) -> JSONObject {
        let declared = PowerShellParser.parse(text).root?.parameterBlock?.parameters ?? []
        let names = declared.map { $0.variable.path.path.lowercased() }
        var bound = JSONObject()
        var loose: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), let name = names.first(where: { $0.hasPrefix(word.dropFirst().lowercased()) })
            else {
                loose.append(word)
                continue
            }
            guard let value = rest.popFirst() else { throw MMError(.invalidInput, "\(word) needs a value.") }
            bound[name] = .string(value)
        }
        for (name, value) in zip(names.filter { bound[$0] == nil }, loose) { bound[name] = .string(value) }
        return bound
    }

    private static func show(_ text: String, on descriptor: Int32, terminator: String = "\n") {
        let bytes = Array((text + terminator).utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count <= 0, errno != EINTR { return }
            done += max(count, 0)
        }
    }
}
