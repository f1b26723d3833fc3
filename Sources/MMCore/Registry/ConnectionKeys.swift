/// The sign-in method of a connection, with the fields that the method needs.
public struct ConnectionAuth: Sendable, Hashable {
    /// The sign-in methods.
    public enum Method: String, Sendable, CaseIterable {
        case device, browser, broker, secret, certificate, federated, token
        case managedIdentity = "managed-identity"
        case onBehalfOf = "on-behalf-of"
    }

    /// The sign-in method.
    public var method: Method
    /// The path of the client secret's file.
    public var secretFile: String?
    /// The environment variable with the client secret, for machines that hand it to a job.
    public var secretVariable: String?
    /// The path of the certificate's file, which also holds the key unless `privateKeyPath` is set.
    public var certificatePath: String?
    /// The path of the certificate's private key.
    public var privateKeyPath: String?
    /// The path of a file with the password of the key or PKCS #12 store.
    public var certificatePasswordFile: String?
    /// The path of the external token (`federated`) or access token (`token`); read again for each use.
    public var tokenFile: String?
    /// The environment variable with the external token or access token.
    public var tokenVariable: String?
    /// The path of the file with the token of the person for whom the app acts (`on-behalf-of`); read again for each use.
    public var assertionFile: String?
    /// The environment variable with that token.
    public var assertionVariable: String?
    /// The client id of a user-assigned managed identity.
    public var clientId: String?
    /// The object id of a user-assigned managed identity.
    public var objectId: String?
    /// The resource id of a user-assigned managed identity.
    public var resourceId: String?
    /// All fields as written.
    public var fields: JSONObject

    /// Creates a sign-in configuration.
    /// - Parameters:
    ///   - method: the sign-in method.
    ///   - fields: the fields as written.
    public init(_ method: Method = .device, fields: JSONObject = [:]) {
        self.method = method
        self.secretFile = fields["secretFile"]?.string
        self.secretVariable = fields["secretVariable"]?.string
        self.certificatePath = fields["certificatePath"]?.string
        self.privateKeyPath = fields["privateKeyPath"]?.string
        self.certificatePasswordFile = fields["certificatePasswordFile"]?.string
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
    static let fieldNames = [
        "secretFile", "secretVariable", "certificatePath", "privateKeyPath", "certificatePasswordFile", "tokenFile",
        "tokenVariable", "assertionFile", "assertionVariable", "clientId", "objectId", "resourceId",
    ]
    /// Fields in which someone might put the secret itself.
    static let inlineSecrets = [
        "secret", "clientSecret", "password", "certificatePassword", "privateKey", "token", "assertion",
    ]
}

/// The guard's policies.
public enum GuardPolicyName: String, Sendable, CaseIterable {
    case standard, strict, readonly
}

/// The guard's policy for a connection, with exceptions for some classes.
public struct ConnectionGuardPolicy: Sendable, Hashable {
    /// The policy.
    public var name: GuardPolicyName
    /// Classes that are allowed.
    public var allow: [String]
    /// Classes that need a confirmation.
    public var ask: [String]
    /// Classes that are denied.
    public var deny: [String]
    /// How many people have to approve what is held back.
    public var approvals: ConnectionApprovals

    public init(
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
    public static let classes = [
        "read", "write", "subscription", "send", "external", "destructive", "secret", "privilege", "session", "dynamic",
    ]
}

/// What becomes of a write whose beginning can't be written into the audit log.
public enum ConnectionAudit: String, Sendable, CaseIterable {
    /// It isn't sent.
    case required
    /// It is sent, and its answer says that it has no line.
    case preferred
}

/// The engine that runs simple Exchange pipelines.
public enum ConnectionEngine: String, Sendable, CaseIterable {
    case auto, native, pwsh
}

/// PowerShell's language mode in a session.
public enum ConnectionLanguage: String, Sendable, CaseIterable {
    case full, constrained
}

/// The identity that a connection is pinned to; names change, ids don't.
public struct AccountPin: Sendable, Hashable {
    /// The tenant's id.
    public var tenantId: String
    /// The account's object id in the tenant; `nil` if the first sign-in was by a module that doesn't reveal it.
    public var objectId: String?
    /// The account's name at that sign-in, used for comparison where an object id is missing.
    public var username: String?

    public init(tenantId: String, objectId: String?, username: String? = nil) {
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
