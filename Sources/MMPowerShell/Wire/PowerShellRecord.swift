public import MMCore

/// One record of a running command: an object, a line of text, an error, a warning or another of PowerShell's streams.
public struct PowerShellRecord: Sendable, Hashable {
    /// Where a record came from.
    public enum Stream: String, Sendable, Hashable, CaseIterable {
        /// An object of the pipeline, as JSON.
        case output = "out"
        /// A line as a console would show it: text mode, `Format-*`, and objects that can't be represented in JSON.
        case text
        /// An error record: `message`, `id`, `category`, `target`, `type`, `line`, `column`, `text`, and `file` if the
        /// line is in a module.
        case error
        /// The text of a warning.
        case warning
        /// The text of a verbose record.
        case verbose
        /// The text of a debug record.
        case debug
        /// An information record: `message` and `tags`; `Write-Host` sets the tag `PSHOST`, and `noNewline` if no
        /// newline follows.
        case information
        /// The latest progress: `activity`, `status`, `operation`, `percent`, `seconds`.
        case progress
    }

    /// The stream.
    public let stream: Stream
    /// What was sent.
    public let value: JSONValue

    /// A record.
    /// - Parameters:
    ///   - stream: its stream.
    ///   - value: what was sent.
    public init(_ stream: Stream, _ value: JSONValue) {
        self.stream = stream
        self.value = value
    }

    /// Whether it is the output of `Write-Host`: a console shows it among the output.
    public var isHostText: Bool {
        stream == .information && value["tags"]?.array?.contains("PSHOST") == true
    }

    /// Whether a newline follows; not with `Write-Host -NoNewline`.
    public var endsLine: Bool { value["noNewline"]?.bool != true }

    /// Whether it replaces a value that was too large to be sent.
    public var isMissingValue: Bool {
        stream == .error && [Self.notSent, Self.tooLarge].contains(value["id"]?.string)
    }

    /// The error id of a value that PowerShell could not send.
    static let notSent = "ValueNotSent"
    /// The error id of a value that exceeded the limit of a record.
    static let tooLarge = "RecordTooLarge"

    /// The text of a record that has one: the text itself, or the `message` of errors and information; otherwise `nil`.
    public var message: String? {
        switch stream {
        case .error, .information: value["message"]?.string ?? value.string
        case .progress: value["activity"]?.string
        case .output, .text, .warning, .verbose, .debug: value.string
        }
    }
}
