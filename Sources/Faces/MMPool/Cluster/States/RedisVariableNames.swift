package import MMCore
import MMOperations
package import MMSessions

/// The names of variables that scripts have set in sessions, shared by all nodes: a node that takes over a connection
/// can tell which variables were lost with its sessions. Redis only holds digests of the names.
package struct RedisVariableNames: SharedVariableNames {
    private let redis: RedisClient

    /// How long the names of a connection are kept after the last one was added.
    private static let lifetime = Duration.seconds(30 * 86_400)

    /// Creates the names of a cluster.
    package init(_ redis: RedisClient) { self.redis = redis }

    package func known(_ names: Set<String>, of key: SessionKey) async throws(MMError) -> Set<String> {
        let names = names.sorted()
        let place = Self.place(key.connection)
        let answer = try await redis.ask(["HMGET", place] + names.map { Self.field($0, key) }, key: place)
        let found = answer.elements ?? []
        return Set(zip(names, found).filter { $0.1.text != nil }.map(\.0))
    }

    package func add(_ names: Set<String>, to key: SessionKey) async throws(MMError) {
        let place = Self.place(key.connection)
        let fields = names.sorted().map { Array(Self.field($0, key).utf8) }
        _ = try await redis.script(
            Self.adding, keys: [place], [Array("\(Self.lifetime.milliseconds)".utf8)] + fields)
    }

    package func forget(connection: String, module: String?, signedIn: String?) async throws(MMError) {
        let place = Self.place(connection)
        guard module != nil || signedIn != nil else {
            _ = try await redis.ask(["DEL", place], key: place)
            return
        }
        let parts = [module.map(Self.digest) ?? "", signedIn.map(Self.digest) ?? ""]
        _ = try await redis.script(Self.forgetting, keys: [place], parts.map { Array($0.utf8) })
    }

    private static func place(_ connection: String) -> String { RedisLeaseStore.key(connection, "variables") }
    private static func digest(_ text: String) -> String { Hex.text(SHA256.digest(text.utf8).prefix(8)) }
    private static func field(_ name: String, _ key: SessionKey) -> String {
        "\(digest(key.module)):\(digest(key.signedIn ?? "")):\(digest("\(key.description) \(name)"))"
    }

    private static let adding = """
        for place = 2, #ARGV do redis.call('HSET', KEYS[1], ARGV[place], 1) end
        redis.call('PEXPIRE', KEYS[1], ARGV[1])
        return 1
        """

    private static let forgetting = """
        for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
          local module, person = string.match(field, '^(.-):(.-):')
          if (ARGV[1] == '' or ARGV[1] == module) and (ARGV[2] == '' or ARGV[2] == person) then
            redis.call('HDEL', KEYS[1], field)
          end
        end
        return 1
        """
}
