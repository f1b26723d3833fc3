/// Options that every command takes.
package struct GlobalOptions: Sendable {
    /// How answers are written.
    package enum Format: String, Sendable, CaseIterable {
        case table
        case json
        case jsonl
        case csv
        case text
    }

    /// How answers are written; `nil`: as the command and the terminal suggest.
    package var format: Format?
    /// A jq program that answers go through.
    package var jq: String?
    /// Whether help was asked for.
    package var help = false
    /// How long the whole call may take.
    package var timeLimit: Duration = .seconds(300)
    /// Whether to answer at once with a handle while the call goes on.
    package var detach = false
    /// Whether everything is done in this process, without the pool.
    package var isEmbedded = false
    /// The address of another pool that carries the call out.
    package var pool: String?
    /// Whether only the answer is written: no notes, no progress.
    package var quiet = false
    /// Whether colours may be used.
    package var color = true

    package init() {}

    /// The options as help texts list them.
    package static let listing: [(flag: String, purpose: String)] = [
        ("--output, -o FORMAT", "table, json, jsonl, csv or text"),
        ("--json", "the same as --output json"),
        ("--jq PROGRAM", "pass the answer through jq"),
        ("--timeout SECONDS", "end the call after this time (300)"),
        ("--detach", "let a long call go on by itself; see `mm jobs`"),
        ("--embedded", "do everything in this process, without the pool (also MM_EMBEDDED=1)"),
        ("--pool URL", "let the pool at this address do it (also MM_SESSION_POOL_URL)"),
        ("--quiet, -q", "no notes and no progress"),
        ("--no-color", "no colours (also NO_COLOR)"),
        ("--help, -h", "this text"),
    ]
}
