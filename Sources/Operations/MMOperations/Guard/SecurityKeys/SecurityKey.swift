import Glibc
import MMCore

/// A registered key: one that is plugged into this machine, or a passkey that a page asks for.
package struct SecurityKey: Sendable, Hashable {
    /// What its owner calls it.
    package var name: String
    /// Whose it is: two keys of one person are one person.
    package var owner: String
    /// What the key calls the pair.
    package var id: [UInt8]
    /// The public key, in libfido2's form for its algorithm.
    package var publicKey: [UInt8]
    /// COSE's number of the algorithm: -7 ES256, -8 EdDSA, -257 RS256.
    package var algorithm = -7
    /// For whom it signs: this program, or the host name of the page.
    package var party: String
    /// How often it has signed, as far as it counts.
    package var count: UInt32 = 0

    /// Whether a page asks for it, rather than the terminal.
    package var isPasskey: Bool { party != PluggedSecurityKey.party }

    /// Who approves with it.
    package var means: String { "\(isPasskey ? "passkey" : "key") \(name)" }
}

extension SecurityKey {
    /// The login of this process: whose the keys are that say nothing else, and who sits at the terminal.
    package static var login: String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: 16 << 10)
        guard getpwuid_r(geteuid(), &entry, &room, room.count, &found) == 0, found != nil, let name = entry.pw_name
        else {
            return "uid \(geteuid())"
        }
        return String(cString: name)
    }

    /// The key as it is stored.
    var json: JSONValue {
        [
            "name": .string(name), "owner": .string(owner), "id": .string(Base64.text(id)),
            "publicKey": .string(Base64.text(publicKey)), "algorithm": .int(Int64(algorithm)), "party": .string(party),
            "count": .int(Int64(count)),
        ]
    }

    /// Reads a stored key; `nil` if the value isn't one. What earlier versions stored is a plugged key of the login.
    init?(json: JSONValue) {
        guard let name = json["name"]?.string, let id = json["id"]?.string.flatMap({ Base64.bytes($0) }),
            let publicKey = json["publicKey"]?.string.flatMap({ Base64.bytes($0) })
        else { return nil }
        self.init(
            name: name, owner: json["owner"]?.string ?? Self.login, id: id, publicKey: publicKey,
            algorithm: json["algorithm"]?.int ?? -7, party: json["party"]?.string ?? PluggedSecurityKey.party,
            count: json["count"]?.int.flatMap(UInt32.init(exactly:)) ?? 0)
    }
}
