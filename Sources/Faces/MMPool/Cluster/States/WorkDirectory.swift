package import MMCore
package import MMSessions

/// The locations of stored answers and running jobs, and small answers themselves: any node can resolve a handle, even
/// after the node that made it has gone.
package struct WorkDirectory: Sendable {
    /// What is known of a handle.
    package struct Entry: Sendable, Hashable {
        /// What a handle stands for.
        package enum Kind: String, Sendable {
            /// An answer that was too long to return directly.
            case output
            /// A call or command that continues after its caller has been answered.
            case job
        }

        /// The handle.
        package var handle: String
        /// What it stands for.
        package var kind: Kind
        /// The id of the node that has the answer or job.
        package var node: String
        /// The address at which that node is reached.
        package var address: String
        /// The owner, the only one who may use the handle.
        package var owner: String
        /// The operation that made it, if known.
        package var operation: String?
        /// The connection that it belongs to, if any.
        package var connection: String?
        /// When the job was begun or the answer stored.
        package var started: String
        /// The size of an answer in bytes.
        package var bytes: Int?
        /// Whether the answer is counted in rows.
        package var isRows = false
        /// The state of a job.
        package var state: JobReport.State?
        /// Whether the job only reads.
        package var isReading = false
        /// The outcome of a job, in one line.
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

    /// The maximum size in bytes of an answer that is kept beside its entry.
    package static let keptSize = 64 << 10

    private let entries: SharedRecordStore
    private let answers: SharedRecordStore

    /// Creates the directory of a cluster.
    package init(_ redis: RedisClient, seal: ClusterSeal) {
        entries = SharedRecordStore(redis, seal: seal, kind: "work")
        answers = SharedRecordStore(redis, seal: seal, kind: "answer")
    }

    /// Records what a handle leads to.
    /// - Parameters:
    ///   - entry: the location.
    ///   - answer: the answer, which is kept if it is small.
    ///   - lifetime: how long the entry is kept.
    /// - Throws: `unavailable`.
    package func tell(_ entry: Entry, answer: [UInt8]?, for lifetime: Duration) async throws(MMError) {
        if let answer, answer.count <= Self.keptSize {
            try await answers.put(entry.handle, in: .cluster, answer, for: lifetime, most: Self.keptSize)
        }
        try await entries.put(
            entry.handle, in: .cluster, JSONWriter.bytes(.object(entry.json)), for: lifetime, most: 16 << 10)
    }

    /// Returns the entry of a handle; `nil` if there is none (any more).
    /// - Throws: `unavailable`.
    package func entry(_ handle: String) async throws(MMError) -> Entry? {
        try await entries.read(handle, in: .cluster).flatMap { Entry($0.value) }
    }

    /// Returns the answer that a handle stands for, if it was kept.
    /// - Throws: `unavailable`.
    package func answer(_ handle: String) async throws(MMError) -> [UInt8]? {
        try await answers.read(handle, in: .cluster)?.value
    }

    /// Returns all jobs of all nodes, newest first.
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
        object["state"] = state.map { .string($0.rawValue) }
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
        state = json["state"]?.string.flatMap { JobReport.State(rawValue: $0) }
        isReading = json["reads"]?.bool ?? false
        summary = json["summary"]?.string
    }
}
