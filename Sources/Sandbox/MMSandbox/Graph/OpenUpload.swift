/// A file on its way in, part by part.
struct OpenUpload: Sendable {
    /// Where it goes.
    enum Place: Sendable {
        case file(drive: String, parent: String, conflict: String)
        case attachment(owner: String, message: String)
    }

    let place: Place
    let name: String
    var contentType = "application/octet-stream"
    /// What has arrived, in parts as they came.
    var parts: [[UInt8]] = []
    var total: Int?
    let expires: Int64

    /// How much has arrived.
    var count: Int { parts.reduce(0) { $0 + $1.count } }

    /// All that has arrived.
    var content: [UInt8] { Array(parts.joined()) }

    /// Mailboxes take parts of any size below their limit.
    var isMail: Bool { if case .attachment = place { true } else { false } }
}
