import COpenSSL
package import MMCore

/// The calls that were begun and completed in the cluster, kept in Redis so that a repeated call is not carried out
/// twice.
///
/// Only the node that holds the connection's lease may begin a call; the script that records the call checks that.
package struct CallLedger: Sendable {
    /// What the ledger knows of a call that is about to begin.
    package enum Beginning: Sendable, Hashable {
        /// The call is unknown: it may begin.
        case new
        /// The node no longer holds the lease: the call must not begin.
        case noLease
        /// The same id was used for another call.
        case other
        /// A node has begun the call; the caller has to find out whether that node still lives.
        case begun(node: String, token: Int64)
        /// The call was carried out; its answer, if it was kept.
        case done([UInt8]?)
    }

    private let redis: RedisClient
    private let seal: ClusterSeal?
    /// How long a call is remembered.
    private static let lifetime = Duration.seconds(86_400)
    private static let largest = 256 << 10

    /// Creates a ledger.
    /// - Parameters:
    ///   - redis: where the ledger is kept.
    ///   - seal: encrypts answers; without it they are not kept.
    package init(_ redis: RedisClient, seal: ClusterSeal?) {
        self.redis = redis
        self.seal = seal
    }

    /// Records that a call begins.
    /// - Parameters:
    ///   - id: the call's own id.
    ///   - connection: the connection whose lease the call needs.
    ///   - digest: a digest of the operation, the arguments and the signed-in caller.
    ///   - node: the node that begins the call, with the token of its lease.
    /// - Throws: `unavailable`; the call must not begin in that case.
    package func begin(
        _ id: String, of connection: String, digest: String, node: String, token: Int64
    ) async throws(MMError) -> Beginning {
        let key = Self.key(id, connection)
        let arguments = [node, "\(token)", digest, "\(Self.lifetime.milliseconds)"]
        let answer = try await redis.script(
            Self.beginning, keys: [RedisLeaseStore.key(connection, "lease"), key], arguments.map { Array($0.utf8) })
        guard let list = answer.elements, let word = list.first?.text else { return .noLease }
        switch word {
        case "new": return .new
        case "other": return .other
        case "begun" where list.count >= 3: return .begun(node: list[1].text ?? "", token: list[2].integer ?? 0)
        case "done":
            guard list.count >= 2, case .bytes(let sealed) = list[1], let seal else { return .done(nil) }
            return .done(seal.plain(sealed, name: key))
        default: return .noLease
        }
    }

    /// Records that a call was carried out.
    /// - Parameter answer: the call's answer; kept, encrypted, if it is small.
    /// - Throws: `unavailable`.
    package func end(
        _ id: String, of connection: String, node: String, token: Int64, answer: [UInt8]?
    ) async throws(MMError) {
        let key = Self.key(id, connection)
        let kept = answer.flatMap { $0.count <= Self.largest ? seal?.sealed($0, name: key) : nil }
        _ = try await redis.script(
            Self.ending, keys: [RedisLeaseStore.key(connection, "lease"), key],
            [Array(node.utf8), Array("\(token)".utf8), kept ?? []])
    }

    /// Forgets a call that was not carried out.
    package func forget(_ id: String, of connection: String, node: String, token: Int64) async {
        _ = try? await redis.script(
            Self.forgetting, keys: [Self.key(id, connection)], [node, "\(token)"].map { Array($0.utf8) })
    }

    private static func key(_ id: String, _ connection: String) -> String {
        RedisLeaseStore.key(connection, "call:\(Hex.text(SHA256.digest(id.utf8).prefix(16)))")
    }

    private static let leaseCheck = """
        local lease = redis.call('HMGET', KEYS[1], 'holder', 'token')
        if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then return {'lease'} end

        """

    private static let beginning =
        leaseCheck + """
            local known = redis.call('HMGET', KEYS[2], 'state', 'digest', 'node', 'token', 'answer')
            if known[1] then
              if known[2] ~= ARGV[3] then return {'other'} end
              if known[1] == 'done' then return {'done', known[5] or false} end
              return {'begun', known[3], known[4]}
            end
            redis.call('HSET', KEYS[2], 'state', 'begun', 'digest', ARGV[3], 'node', ARGV[1], 'token', ARGV[2])
            redis.call('PEXPIRE', KEYS[2], ARGV[4])
            return {'new'}
            """

    private static let ending =
        leaseCheck + """
            local known = redis.call('HMGET', KEYS[2], 'node', 'token')
            if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] then return {'other'} end
            redis.call('HSET', KEYS[2], 'state', 'done')
            if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'answer', ARGV[3]) end
            return {'done'}
            """

    private static let forgetting = """
        local known = redis.call('HMGET', KEYS[1], 'state', 'node', 'token')
        if known[1] == 'begun' and known[2] == ARGV[1] and known[3] == ARGV[2] then redis.call('DEL', KEYS[1]) end
        return 1
        """
}

/// Encrypts secrets before they go to Redis, with a key that all nodes share.
package struct ClusterSeal: Sendable {
    private let key: [UInt8]
    private static let overhead = 28

    /// Creates the seal from a key file.
    /// - Throws: `notFound`, `forbidden` if others can read the file, `invalidInput` for a short key, `unavailable`
    ///   without OpenSSL.
    package init(keyFile path: String) throws(MMError) {
        let remedy = "Create one, the same on all nodes: (umask 077; openssl rand -base64 32 > FILE)"
        guard let secret = try SecretFile.key(path) else {
            throw MMError(.notFound, "The file \(path) from MM_CLUSTER_KEY_FILE does not exist.", hint: remedy)
        }
        guard secret.count >= 32 else {
            throw MMError(.invalidInput, "The key in \(path) (MM_CLUSTER_KEY_FILE) is too short.", hint: remedy)
        }
        if let reason = mm_openssl_load() {
            throw MMError(
                .unavailable, "OpenSSL can't be opened: \(String(cString: reason))", hint: "apt-get install libssl3")
        }
        key = HMAC.sha256("mm cluster 1".utf8, key: secret)
    }

    /// Returns bytes for one purpose that all nodes, and only they, can derive.
    package func derived(_ purpose: String) -> [UInt8] { HMAC.sha256(purpose.utf8, key: key) }

    /// Encrypts bytes and binds them to the name under which they are kept.
    package func sealed(_ plain: [UInt8], name: String) -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: plain.count + Self.overhead)
        let bound = Array(name.utf8)
        let count = mm_seal(key, bound, Int32(bound.count), plain, Int32(plain.count), &room, Int32(room.count))
        return count > 0 ? Array(room.prefix(Int(count))) : nil
    }

    /// Decrypts what `sealed` returned; `nil` if the bytes, the name and the key don't match.
    package func plain(_ sealed: [UInt8], name: String) -> [UInt8]? {
        guard sealed.count >= Self.overhead else { return nil }
        var room = [UInt8](repeating: 0, count: sealed.count)
        let bound = Array(name.utf8)
        let count = mm_unseal(key, bound, Int32(bound.count), sealed, Int32(sealed.count), &room, Int32(room.count))
        return count >= 0 ? Array(room.prefix(Int(count))) : nil
    }
}
