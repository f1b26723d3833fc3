public import MMCore

/// One record of a running command: an object, a line of text, an error, a warning or another of PowerShell's streams.
public struct PowerShellRecord: Sendable, Hashable {
    /// Where a record came from.
    public enum Stream: String, Sendable, Hashable, CaseIterable {
        /// An object of the pipeline, as JSON.
        case output = "out"
        /// A line as a console would show it: text mode, `Format-*`, and objects that no JSON can hold.
        case text
        /// An error record: `message`, `id`, `category`, `target`, `type`, `line`, `column`, `text`, and `file` when
        /// the line is one of a module.
        case error
        /// The text of a warning.
        case warning
        /// The text of a verbose record.
        case verbose
        /// The text of a debug record.
        case debug
        /// An information record: `message` and `tags`; `Write-Host` carries the tag `PSHOST`, and `noNewline` where no line
        /// ends behind it.
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
    ///   - stream: where it came from.
    ///   - value: what was sent.
    public init(_ stream: Stream, _ value: JSONValue) {
        self.stream = stream
        self.value = value
    }

    /// Whether it is what `Write-Host` shows: a console writes it among the output.
    public var isHostText: Bool {
        stream == .information && value["tags"]?.array?.contains("PSHOST") == true
    }

    /// Whether a line ends behind it; not with `Write-Host -NoNewline`.
    public var endsLine: Bool { value["noNewline"]?.bool != true }

    /// Whether it stands for a value that did not arrive, because it was too large.
    public var isMissingValue: Bool {
        stream == .error && [Self.notSent, Self.tooLarge].contains(value["id"]?.string)
    }

    /// The error id of a value that PowerShell could not send.
    static let notSent = "ValueNotSent"
    /// The error id of a value that was longer than a record may be.
    static let tooLarge = "RecordTooLarge"

    /// The words of a record that has some: the text itself, or the `message` of errors and information; else `nil`.
    public var message: String? {
        switch stream {
        case .error, .information: value["message"]?.string ?? value.string
        case .progress: value["activity"]?.string
        case .output, .text, .warning, .verbose, .debug: value.string
        }
    }
}
