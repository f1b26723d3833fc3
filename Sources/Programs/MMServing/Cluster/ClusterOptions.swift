import MMCore
import MMOperations
import MMPool

/// How a pool is one of several.
struct ClusterOptions: Sendable {
    /// Where Redis is.
    let redis: RedisAddress
    /// Where the other nodes reach this one.
    let address: String
    /// Whether it goes on alone while Redis can't be reached.
    let isLone: Bool
    /// How long a lease is valid after a renewal.
    let term: Duration
    /// The file with the secret that nodes prove themselves with.
    let tokenFile: String?
    /// The file with the key that answers are sealed with; `nil`: they are not kept.
    let keyFile: String?

    /// The arguments of the command.
    static let fields: [InputField] = [
        InputField(
            "cluster", .text,
            "The Redis through which several pools are one: redis://host:6379, rediss://…, redis+sentinel://a,b,c/NAME, "
                + "redis+cluster://a,b,c (MM_CLUSTER)."),
        InputField("node-address", .text, "Where the other pools reach this one: https://host:port (MM_NODE_ADDRESS)."),
        InputField(
            "cluster-lone", .flag, "Go on alone, also writing, while Redis can't be reached: for one node alone."),
    ]

    /// Options of a command line and an environment.
    /// - Parameter endpoints: where the pool listens.
    /// - Returns: `nil` where no cluster is asked for.
    /// - Throws: `invalidInput` that names the flag or variable.
    static func read(
        _ reader: InputReader, _ environment: [String: String], endpoints: [PoolServeOptions.Endpoint]
    ) throws(MMError) -> ClusterOptions? {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let isLone = try reader.flag("cluster-lone")
        let given = try reader.text("node-address")
        guard let url = try reader.text("cluster") ?? variable("MM_CLUSTER") else {
            guard given == nil, !isLone else {
                throw MMError(
                    .invalidInput, "--\(isLone ? "cluster-lone" : "node-address") goes with --cluster.",
                    hint: "Add --cluster redis://host:6379, or leave it out.")
            }
            return nil
        }
        guard let face = endpoints.first(where: { $0.face.name == PoolFace.standard.name })?.options else {
            throw MMError(
                .invalidInput, "A pool of a cluster needs an address for the other pools.",
                hint: "Add --listen HOST:PORT --token-file FILE, with the same secret on all nodes.")
        }
        guard face.tokenFile != nil else {
            throw MMError(
                .invalidInput, "A pool of a cluster needs the secret by which the pools know each other.",
                hint: "Add --token-file FILE, with the same secret on all nodes.")
        }
        var term = Duration.seconds(10)
        if let text = variable("MM_CLUSTER_LEASE") {
            guard let seconds = Double(text), (1...30).contains(seconds) else {
                throw MMError(
                    .invalidInput, "MM_CLUSTER_LEASE can't be `\(text.prefix(40))`.", hint: "Give seconds from 1 to 30."
                )
            }
            term = .seconds(seconds)
        }
        guard let address = given ?? variable("MM_NODE_ADDRESS") ?? usual(face) else {
            throw MMError(
                .invalidInput, "Where the other pools reach this one is not known.",
                hint: "Give --node-address https://host:port (MM_NODE_ADDRESS).")
        }
        return ClusterOptions(
            redis: try RedisAddress(url, environment: environment), address: address, isLone: isLone, term: term,
            tokenFile: face.tokenFile, keyFile: variable("MM_CLUSTER_KEY_FILE"))
    }

    /// The address where it listens, where that is one that others can use.
    private static func usual(_ face: HTTPFaceOptions) -> String? {
        guard face.port != 0, face.host != "0.0.0.0", face.host != "::" else { return nil }
        return "\(face.scheme)://\(face.host.contains(":") ? "[\(face.host)]" : face.host):\(face.port)"
    }
}
