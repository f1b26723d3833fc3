/// Text that the process wrote past its streams: `[Console]::Write`, `$Host.UI.Write`, `-WhatIf`, prompts of modules.
public struct ConsoleText: Sendable, Hashable {
    /// Which of the process's two outputs it came on.
    public enum Stream: String, Sendable, Hashable {
        /// Standard output, standard error.
        case stdout, stderr
    }

    /// The output.
    public let stream: Stream
    /// The text as it came; bytes that are no UTF-8 are replaced.
    public let text: String

    /// Text of one output.
    /// - Parameters:
    ///   - stream: the output.
    ///   - text: what came.
    public init(_ stream: Stream, _ text: String) {
        self.stream = stream
        self.text = text
    }
}
