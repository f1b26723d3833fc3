package import MMCore

/// Where each stored answer lies and each job runs, and small answers themselves: what a handle leads to from any node, also
/// when the node that made it has gone.
package struct WorkDirectory: Sendable {
    /// What is known of a handle.
    package struct Entry: Sendable, Hashable {
        /// What a handle stands for.
        package enum Kind: String, Sendable {
            /// An answer that was too long.
            case output
            /// A call or command that goes on after its caller was let go.
            case job
        }

        /// The handle.
        package var handle: String
        /// What it stands for.
        package var kind: Kind
        /// The id of the node that has it.
        package var node: String
        /// Where that node is reached.
        package var address: String
        /// Whose it is: nobody else may ask for it.
        package var owner: String
        /// The operation that made it, where it is known.
        package var operation: String?
        /// The connection that it is of, where it is of one.
        package var connection: String?
        /// When it was begun, or stored.
        package var started: String
        /// How large an answer is, in bytes.
        package var bytes: Int?
        /// Whether an answer is counted in rows.
        package var isRows = false
        /// Where a job stands: running, done, failed or cancelled.
        package var state: String?
        /// Whether a job changes nothing.
        package var isReading = false
        /// What became of a job, in a line.
        package var summary: String?

        package init(
            handle: String, kind: Kind, node: String, address: String, owner: String, started: String
        ) {
            self.handle = handle
            self.kind = kind
            self.node = node
            self.address = address
            self.owner = owner
            self.started = started
        }
    }

    /// How large an answer may be that is kept beside its entry.
    package static let keptSize = 64 << 10

    private let entries: SharedRecordStore
    private let answers: SharedRecordStore

    /// The directory of a cluster.
    package init(_ redis: RedisClient, seal: ClusterSeal) {
        entries = SharedRecordStore(redis, seal: seal, kind: "work")
        answers = SharedRecordStore(redis, seal: seal, kind: "answer")
    }

    /// Writes down what a handle leads to.
    /// - Parameters:
    ///   - entry: where it is.
    ///   - answer: the answer, which is kept where it is small.
    ///   - lifetime: for how long.
    /// - Throws: `unavailable`.
    package func tell(_ entry: Entry, answer: [UInt8]?, for lifetime: Duration) async throws(MMError) {
        if let answer, answer.count <= Self.keptSize {
            try await answers.put(entry.handle, in: .cluster, answer, for: lifetime, most: Self.keptSize)
        }
        try await entries.put(
            entry.handle, in: .cluster, JSONWriter.bytes(.object(entry.json)), for: lifetime, most: 16 << 10)
    }

    /// What is known of a handle; `nil` for nothing (any more).
    /// - Throws: `unavailable`.
    package func entry(_ handle: String) async throws(MMError) -> Entry? {
        try await entries.read(handle, in: .cluster).flatMap { Entry($0.value) }
    }

    /// The answer behind a handle, where it was kept.
    /// - Throws: `unavailable`.
    package func answer(_ handle: String) async throws(MMError) -> [UInt8]? {
        try await answers.read(handle, in: .cluster)?.value
    }

    /// All jobs of all nodes, newest first.
    /// - Throws: `unavailable`.
    package func jobs() async throws(MMError) -> [Entry] {
        try await entries.list(in: .cluster).compactMap { Entry($0.value) }.filter { $0.kind == .job }
            .sorted { ($0.started, $0.handle) > ($1.started, $1.handle) }
    }
}

extension WorkDirectory.Entry {
    fileprivate var json: JSONObject {
        var object: JSONObject = [
            "handle": .string(handle), "kind": .string(kind.rawValue), "node": .string(node),
            "address": .string(address), "owner": .string(owner), "started": .string(started),
        ]
        object["operation"] = operation.map { .string($0) }
        object["connection"] = connection.map { .string($0) }
        object["bytes"] = bytes.map { .int(Int64($0)) }
        if isRows { object["rows"] = true }
        object["state"] = state.map { .string($0) }
        if isReading { object["reads"] = true }
        object["summary"] = summary.map { .string(String($0.prefix(500))) }
        return object
    }

    fileprivate init?(_ text: [UInt8]) {
        guard let json = try? JSONParser.parse(text), let handle = json["handle"]?.string,
            let kind = json["kind"]?.string.flatMap({ Kind(rawValue: $0) }), let node = json["node"]?.string,
            let address = json["address"]?.string, let owner = json["owner"]?.string,
            let started = json["started"]?.string
        else { return nil }
        self.init(handle: handle, kind: kind, node: node, address: address, owner: owner, started: started)
        operation = json["operation"]?.string
        connection = json["connection"]?.string
        bytes = json["bytes"]?.int.map { Int($0) }
        isRows = json["rows"]?.bool ?? false
        state = json["state"]?.string
        isReading = json["reads"]?.bool ?? false
        summary = json["summary"]?.string
    }
}
