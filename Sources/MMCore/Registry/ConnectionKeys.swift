/// The sign-in method of a connection, with the fields that the method needs.
package struct ConnectionAuth: Sendable, Hashable {
    /// The sign-in methods.
    package enum Method: String, Sendable, CaseIterable {
        case device, browser, broker, secret, certificate, federated, token
        case managedIdentity = "managed-identity"
        case onBehalfOf = "on-behalf-of"
    }

    /// The sign-in method.
    package var method: Method
    /// The path of the client secret's file.
    package var secretFile: String?
    /// The environment variable with the client secret, for machines that pass it to a job.
    package var secretVariable: String?
    /// The path of the certificate's file, which also holds the key unless `privateKeyPath` is set.
    package var certificatePath: String?
    /// The path of the certificate's private key.
    package var privateKeyPath: String?
    /// The path of a file with the password of the key or PKCS #12 store.
    package var certificatePasswordFile: String?
    /// The environment variable with that password.
    package var certificatePasswordVariable: String?
    /// The path of the external token (`federated`) or access token (`token`); read again for each use.
    package var tokenFile: String?
    /// The environment variable with the external token or access token.
    package var tokenVariable: String?
    /// The path of the file with the token of the person for whom the app acts (`on-behalf-of`); read again for each
    /// use.
    package var assertionFile: String?
    /// The environment variable with that token.
    package var assertionVariable: String?
    /// The client id of a user-assigned managed identity.
    package var clientId: String?
    /// The object id of a user-assigned managed identity.
    package var objectId: String?
    /// The resource id of a user-assigned managed identity.
    package var resourceId: String?
    /// All fields as written.
    package var fields: JSONObject

    /// Creates a sign-in configuration.
    /// - Parameters:
    ///   - method: the sign-in method.
    ///   - fields: the fields as written.
    package init(_ method: Method = .device, fields: JSONObject = [:]) {
        self.method = method
        self.secretFile = fields["secretFile"]?.string
        self.secretVariable = fields["secretVariable"]?.string
        self.certificatePath = fields["certificatePath"]?.string
        self.privateKeyPath = fields["privateKeyPath"]?.string
        self.certificatePasswordFile = fields["certificatePasswordFile"]?.string
        self.certificatePasswordVariable = fields["certificatePasswordVariable"]?.string
        self.tokenFile = fields["tokenFile"]?.string
        self.tokenVariable = fields["tokenVariable"]?.string
        self.assertionFile = fields["assertionFile"]?.string
        self.assertionVariable = fields["assertionVariable"]?.string
        self.clientId = fields["clientId"]?.string
        self.objectId = fields["objectId"]?.string
        self.resourceId = fields["resourceId"]?.string
        self.fields = fields
    }

    /// The fields that name files, variables and identities; all are strings.
    package static let fieldNames = [
        "secretFile", "secretVariable", "certificatePath", "privateKeyPath", "certificatePasswordFile",
        "certificatePasswordVariable", "tokenFile", "tokenVariable", "assertionFile", "assertionVariable", "clientId",
        "objectId", "resourceId",
    ]
    /// The fields that name files. `privateKeyPath` may also be the URI of a key (PKCS #11).
    package static let fileFields: Set<String> = [
        "secretFile", "certificatePath", "privateKeyPath", "certificatePasswordFile", "tokenFile", "assertionFile",
    ]

    /// Returns the configuration with the places of files that are named from the home folder (`~/app.pem`): no shell
    /// expands what stands in the registry.
    package func inHome(_ home: String) -> ConnectionAuth {
        var fields = fields
        for name in Self.fileFields {
            fields[name] = fields[name]?.string.map { .string(StatePaths.absolute($0, home: home)) }
        }
        return ConnectionAuth(method, fields: fields)
    }

    /// All keys of a sign-in configuration.
    static let keys = ["method"] + fieldNames
    /// Fields in which someone might put the secret itself.
    static let inlineSecrets = [
        "secret", "clientSecret", "password", "certificatePassword", "privateKey", "token", "assertion",
    ]
}

/// The guard's policies.
public enum GuardPolicyName: String, Sendable, CaseIterable {
    /// Reads and plain writes are allowed; everything else is asked about.
    case standard
    /// Reads are allowed; everything else is asked about, but secrets, changes of permissions, and what can't be
    /// determined from the text are denied.
    case strict
    /// Reads are allowed; everything else is denied.
    case readonly
}

/// The guard's policy for a connection, with exceptions for some classes.
package struct ConnectionGuardPolicy: Sendable, Hashable {
    /// The policy.
    package var name: GuardPolicyName
    /// Classes that are allowed.
    package var allow: [String]
    /// Classes that need a confirmation.
    package var ask: [String]
    /// Classes that are denied.
    package var deny: [String]
    /// The number of people who have to approve an action that needs a confirmation.
    package var approvals: ConnectionApprovals

    package init(
        _ name: GuardPolicyName = .standard, allow: [String] = [], ask: [String] = [], deny: [String] = [],
        approvals: ConnectionApprovals = ConnectionApprovals()
    ) {
        self.name = name
        self.allow = allow
        self.ask = ask
        self.deny = deny
        self.approvals = approvals
    }

    /// The classes that rules and the registry refer to.
    package static let classes = [
        "read", "write", "subscription", "send", "external", "destructive", "secret", "privilege", "session", "dynamic",
    ]
}

/// The treatment of a write whose start can't be recorded in the audit log.
package enum ConnectionAudit: String, Sendable, CaseIterable {
    /// The write isn't sent.
    case required
    /// The write is sent, and its answer says that the audit log has no line about it.
    case preferred
}

/// The engine that runs simple Exchange pipelines.
package enum ConnectionEngine: String, Sendable, CaseIterable {
    case auto, native, pwsh
}

/// PowerShell's language mode in a session.
package enum ConnectionLanguage: String, Sendable, CaseIterable {
    case full, constrained
}

/// The identity that a connection is pinned to; names change, ids don't.
package struct AccountPin: Sendable, Hashable {
    /// The tenant's id.
    package var tenantId: String
    /// The account's object id in the tenant; `nil` if the first sign-in was by a module that doesn't reveal it.
    package var objectId: String?
    /// The account's name at that sign-in, used for comparison where an object id is missing.
    package var username: String?

    package init(tenantId: String, objectId: String?, username: String? = nil) {
        self.tenantId = tenantId
        self.objectId = objectId
        self.username = username
    }

    /// Returns whether an account is the pinned one.
    package func matches(tenantId: String?, objectId: String?, username: String?) -> Bool {
        guard self.tenantId.lowercased() == tenantId?.lowercased() else { return false }
        if let own = self.objectId, let objectId { return own.lowercased() == objectId.lowercased() }
        return self.username != nil && self.username?.lowercased() == username?.lowercased()
    }
}

/// What a connection requires before an action, by the action's class.
package struct ClassRequirements<Value: Comparable & Hashable & Sendable>: Sendable, Hashable {
    /// What classes without an entry of their own require.
    package var usual: Value
    /// What individual classes require.
    package var classes: [String: Value]

    /// Creates requirements.
    package init(_ usual: Value, classes: [String: Value] = [:]) {
        self.usual = usual
        self.classes = classes
    }

    /// Returns the most that any of these classes requires.
    package func most(of words: [String]) -> Value {
        words.map { classes[$0] ?? usual }.max() ?? usual
    }

    /// Stores what a class requires, under the name that it has in the registry.
    mutating func require(_ value: Value, of key: String, at label: String, _ reader: inout EntryReader) {
        if key == "usual" {
            usual = value
        } else if ConnectionGuardPolicy.classes.contains(key) {
            classes[key] = value
        } else {
            reader.report(
                label, "contains an unknown class",
                hint: "Classes are \(ConnectionGuardPolicy.classes.joined(separator: ", ")); "
                    + "usual applies to all others.")
        }
    }
}

/// The number of people who have to approve an action, by its class.
package typealias ConnectionApprovals = ClassRequirements<Int>

extension ConnectionApprovals {
    /// The most people that a connection can ask for.
    package static var most: Int { 5 }

    /// One person for every class.
    package init() { self.init(1) }

    /// Whether anything needs more than one person.
    var isMoreThanOne: Bool { usual > 1 || classes.values.contains { $0 > 1 } }

    /// Reads `"approvals": 2` or `"approvals": {"send": 2}` of a guard's entry. An unreadable number counts as two, so
    /// that a mistake doesn't remove the second person.
    static func read(_ value: JSONValue, _ reader: inout EntryReader) -> ConnectionApprovals {
        func count(_ value: JSONValue, _ label: String) -> Int {
            if let count = value.int, (1...most).contains(count) { return count }
            reader.report(label, "must be a number from 1 to \(most)", hint: "Use 2 for two people.", value: value)
            return 2
        }
        guard let object = value.object else { return ConnectionApprovals(count(value, "guard.approvals")) }
        var approvals = ConnectionApprovals()
        for (key, value) in object {
            let label = "guard.approvals.\(key)"
            approvals.require(count(value, label), of: key, at: label, &reader)
        }
        return approvals
    }
}
