import CPowerShellResources
package import MMCore
import PowerShellSyntax

/// A recorded request and the answer of a PowerShell: reference data for decoders and for the stand-in.
///
/// The location `HOME` stands for the session's home folder.
package struct Transcript: Sendable {
    /// The name, which says what it shows.
    package let name: String
    /// The command that was run.
    package let command: PowerShellCommand
    /// The frames, without their ids.
    package let frames: [JSONObject]
    /// The console text of the answer.
    package let console: [ConsoleText]

    /// Whether the command runs a native program, so that there is an exit code.
    package var runsProgram: Bool {
        ScriptFacts(of: PowerShellParser.parse(command.script)).items.contains { item in
            guard case .command(let command) = item.detail else { return false }
            return command.name == "sh" || command.name == "cat"
        }
    }

    /// All recordings, in the order in which they were made in one session.
    package static let all: [Transcript] = {
        let text = cpowershell_transcripts()
        let bytes = UnsafeBufferPointer(start: text.bytes, count: text.count)
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            (try? JSONParser.parse(line))?.object.flatMap(Transcript.init)
        }
    }()

    private init?(_ line: JSONObject) {
        guard let name = line["name"]?.string, let request = line["request"], let script = request["script"]?.string
        else { return nil }
        self.name = name
        var parameters: [String: PowerShellValue] = [:]
        for (key, value) in request["parameters"]?.object ?? [:] { parameters[key] = .json(value) }
        var command = PowerShellCommand(
            script, parameters: parameters, format: request["format"]?.string == "text" ? .text : .json,
            depth: request["depth"]?.int, width: request["width"]?.int, isLocal: request["local"]?.bool ?? false)
        // One recording shows the effect of a byte order mark, which the initializer of commands removes.
        command.script = script
        self.command = command
        frames = line["frames"]?.array?.compactMap(\.object) ?? []
        console = (line["console"]?.array ?? []).compactMap { item in
            guard let stream = item[0]?.string.flatMap(ConsoleText.Stream.init), let text = item[1]?.string else {
                return nil
            }
            return ConsoleText(stream, text)
        }
    }
}

/// Text that the process wrote past its streams: `[Console]::Write`, `$Host.UI.Write`, `-WhatIf`, prompts of modules.
public struct ConsoleText: Sendable, Hashable {
    /// The output of the process on which the text was written.
    public enum Stream: String, Sendable, Hashable {
        /// Standard output, standard error.
        case stdout, stderr
    }

    /// The output.
    public let stream: Stream
    /// The text as it came; bytes that are no UTF-8 are replaced.
    public internal(set) var text: String

    /// Creates text of one output.
    /// - Parameters:
    ///   - stream: the output.
    ///   - text: the text.
    public init(_ stream: Stream, _ text: String) {
        self.stream = stream
        self.text = text
    }
}
