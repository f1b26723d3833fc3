package import MMCore

/// The identities that connections were pinned to after their first sign-in: `pins.json` in the state folder.
package struct PinStore: Sendable {
    /// The path of the file.
    package let path: String

    /// Creates a store for a file.
    package init(path: String) {
        self.path = path
    }

    /// The pins of all connections, as the file had them.
    struct Pins: Sendable {
        fileprivate let entries: JSONObject
        fileprivate let store: PinStore

        /// Returns the identity that a connection is pinned to.
        /// - Throws: an error when its entry is broken.
        func pin(of connection: String) throws(MMError) -> AccountPin? {
            guard let entry = entries[connection]?.object else { return nil }
            let (object, name) = (entry["objectId"]?.string, entry["username"]?.string)
            guard let tenant = entry["tenantId"]?.string, object != nil || name != nil else {
                throw store.broken("the pin of '\(connection)' lacks tenantId, or objectId and username")
            }
            return AccountPin(tenantId: tenant, objectId: object, username: name)
        }
    }

    /// Reads the pins of all connections.
    /// - Throws: an error when the file can't be read or parsed; it is then never overwritten.
    func pins() throws(MMError) -> Pins { Pins(entries: try read()["pins"]?.object ?? [:], store: self) }

    /// Returns the identity that a connection is pinned to.
    /// - Throws: an error when the file can't be read or parsed.
    package func pin(of connection: String) throws(MMError) -> AccountPin? { try pins().pin(of: connection) }

    /// Pins a connection, unless it is already pinned to an account of the same tenant.
    package func pin(_ connection: String, to account: SignedInAccount, now: Timestamp) throws(MMError) {
        try pin(
            connection,
            to: AccountPin(tenantId: account.tenantID, objectId: account.objectID, username: account.username), now: now
        )
    }

    /// Pins a connection, unless it is already pinned to an account of the same tenant. A pin without an object id gets
    /// one from the first sign-in of that account which reveals it.
    package func pin(_ connection: String, to account: AccountPin, now: Timestamp) throws(MMError) {
        try edit { (pins) throws(MMError) in
            let held = pins[connection]
            let isOfTenant = held?["tenantId"]?.string?.lowercased() == account.tenantId.lowercased()
            guard !isOfTenant || held?["objectId"]?.string == nil && account.objectId != nil else { return }
            var entry: JSONObject = ["tenantId": .string(account.tenantId)]
            if let object = account.objectId { entry["objectId"] = .string(object) }
            if let name = account.username { entry["username"] = .string(name) }
            entry["pinnedAt"] = .string(now.iso8601)
            pins[connection] = .object(entry)
        }
    }

    /// Removes a connection's pin, so that it will be pinned to the next account that signs in.
    package func unpin(_ connection: String) throws(MMError) {
        guard try read()["pins"]?.object?[connection] != nil else { return }
        try edit { $0[connection] = nil }
    }

    /// Moves a connection's pin to another name. If there is none, the other name's pin is removed.
    package func move(from connection: String, to other: String) throws(MMError) {
        try edit { pins in
            pins[other] = pins[connection]
            pins[connection] = nil
        }
    }

    private func edit(_ change: (inout JSONObject) throws(MMError) -> Void) throws(MMError) {
        try FileLock.with(path, until: .after(.seconds(2))) { () throws(MMError) in
            var content = try read()
            var pins = content["pins"]?.object ?? [:]
            let before = pins
            try change(&pins)
            guard pins != before else { return }
            content["pins"] = .object(pins)
            try ProtectedFile.replace(path, with: JSONWriter.bytes(.object(content), layout: .indented(2)) + [0x0A])
        }
    }

    private func read() throws(MMError) -> JSONObject {
        guard let bytes = try ProtectedFile.read(path, limit: 4 << 20) else { return [:] }
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes)
        } catch {
            throw broken("\(error)")
        }
        guard let object = value.object, object["pins"] == nil || object["pins"]?.object != nil else {
            throw broken("it is not an object with the member pins")
        }
        return object
    }

    private func broken(_ what: String) -> MMError {
        MMError(
            .invalidInput, "The file of pinned accounts \(path) can't be used: \(what).",
            hint:
                "Repair it. If you remove it, connections are pinned again to the accounts that "
                + "sign in next: check them.",
            details: ["path": .string(path)])
    }
}
