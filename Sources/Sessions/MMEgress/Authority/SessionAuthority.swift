import COpenSSL
package import MMCore

/// The certificate authority of one session; its key is only in this process's memory.
///
/// It signs a certificate for each name when the session first asks for it. Only the session's processes trust it.
package final class SessionAuthority: Sendable {
    /// OpenSSL's object, which is freed with this owner.
    ///
    /// `@unchecked Sendable`: signing reads it and nothing changes it; OpenSSL counts its references atomically.
    private final class Handle: @unchecked Sendable {
        let raw: UnsafeMutableRawPointer
        let free: (UnsafeMutableRawPointer) -> Void

        init(_ raw: UnsafeMutableRawPointer, free: @escaping (UnsafeMutableRawPointer) -> Void) {
            self.raw = raw
            self.free = free
        }

        deinit { free(raw) }
    }

    private struct Entry {
        let handle: Handle
        let goodUntil: ContinuousClock.Instant
        var lastUse: UInt64
    }

    private struct Leaves {
        var entries: [String: Entry] = [:]
        var uses: UInt64 = 0
    }

    /// A session may last for weeks, and its authority must remain valid as long.
    private static let life = Duration.seconds(60 * 86_400)
    private static let leafLife = Duration.seconds(2 * 86_400)
    /// The maximum number of certificates kept; a cloud has a few dozen names.
    private static let maxLeaves = 256

    /// The authority's certificate, for the processes that should trust it.
    package let pem: String
    private let handle: Handle
    private let leaves = Mutex(Leaves())

    /// Creates an authority with a new key.
    /// - Throws: `.unavailable` if OpenSSL isn't available.
    package init() throws(MMError) {
        if let reason = mm_openssl_load() {
            throw MMError(
                .unavailable, "OpenSSL can't be opened: \(String(cString: reason)).", hint: "apt-get install libssl3")
        }
        guard let raw = mm_authority_create("Microsoft Master session", Int(Self.life.components.seconds)) else {
            throw MMError(.unavailable, "OpenSSL could not make a certificate authority.")
        }
        handle = Handle(raw) { mm_authority_free($0) }
        var room = [CChar](repeating: 0, count: 8 << 10)
        let count = mm_authority_pem(raw, &room, Int32(room.count))
        guard count > 0 else { throw MMError(.internalError, "OpenSSL could not write the authority's certificate.") }
        pem = String(decoding: room.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Returns the server's side of a TLS connection whose client asked for this name.
    /// - Throws: `.unavailable` if OpenSSL has no memory.
    func connection(for name: PlainHostName) throws(MMError) -> TLSConnection {
        let leaf = try leaf(for: name)
        guard let raw = mm_tls_open(leaf.raw, name.host) else {
            throw MMError(.unavailable, "OpenSSL has no memory for another connection.")
        }
        // OpenSSL holds its own reference to the leaf.
        return TLSConnection(raw)
    }

    /// The number of certificates kept.
    var leafCount: Int { leaves.withLock { $0.entries.count } }

    private func leaf(for name: PlainHostName) throws(MMError) -> Handle {
        let now = ContinuousClock.now
        let known: Handle? = leaves.withLock { leaves in
            guard let entry = leaves.entries[name.host], entry.goodUntil > now else { return nil }
            leaves.uses += 1
            leaves.entries[name.host]?.lastUse = leaves.uses
            return entry.handle
        }
        if let known { return known }
        let seconds = Int(Self.leafLife.components.seconds)
        guard let raw = mm_leaf_create(handle.raw, name.host, name.isAddress ? 1 : 0, seconds) else {
            throw MMError(.unavailable, "OpenSSL could not make a certificate for \(name.host).")
        }
        let made = Handle(raw) { mm_leaf_free($0) }
        leaves.withLock { leaves in
            leaves.uses += 1
            leaves.entries[name.host] = Entry(handle: made, goodUntil: now + Self.leafLife / 2, lastUse: leaves.uses)
            if leaves.entries.count > Self.maxLeaves,
                let oldest = leaves.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                leaves.entries[oldest.key] = nil
            }
        }
        return made
    }
}
