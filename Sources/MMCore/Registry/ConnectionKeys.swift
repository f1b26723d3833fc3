/// How a connection signs in, with the fields that its way needs.
public struct ConnectionAuth: Sendable, Hashable {
    /// The ways to sign in.
    public enum Method: String, Sendable, CaseIterable {
        case device, browser, secret, certificate, federated, token
        case managedIdentity = "managed-identity"
    }

    /// The way.
    public var method: Method
    /// The file that holds the client secret.
    public var secretFile: String?
    /// The file that holds the certificate (and its key, unless `privateKeyPath` names another).
    public var certificatePath: String?
    /// The file that holds the certificate's private key.
    public var privateKeyPath: String?
    /// The file that holds the password of the key or the PKCS #12 store.
    public var certificatePasswordFile: String?
    /// The file that holds the outside token (`federated`) or the access token (`token`); read anew for each use.
    public var tokenFile: String?
    /// The environment variable that holds the outside token or the access token.
    public var tokenVariable: String?
    /// The client id of a user-assigned managed identity.
    public var clientId: String?
    /// The object id of a user-assigned managed identity.
    public var objectId: String?
    /// The resource id of a user-assigned managed identity.
    public var resourceId: String?
    /// All fields as they were written.
    public var fields: JSONObject

    /// A way to sign in.
    /// - Parameters:
    ///   - method: the way.
    ///   - fields: the fields as they were written.
    public init(_ method: Method = .device, fields: JSONObject = [:]) {
        self.method = method
        self.secretFile = fields["secretFile"]?.string
        self.certificatePath = fields["certificatePath"]?.string
        self.privateKeyPath = fields["privateKeyPath"]?.string
        self.certificatePasswordFile = fields["certificatePasswordFile"]?.string
        self.tokenFile = fields["tokenFile"]?.string
        self.tokenVariable = fields["tokenVariable"]?.string
        self.clientId = fields["clientId"]?.string
        self.objectId = fields["objectId"]?.string
        self.resourceId = fields["resourceId"]?.string
        self.fields = fields
    }

    /// The fields that name files, variables and identities; all are texts.
    static let fieldNames = [
        "secretFile", "certificatePath", "privateKeyPath", "certificatePasswordFile", "tokenFile", "tokenVariable",
        "clientId", "objectId", "resourceId",
    ]
    /// Fields in which somebody would put the secret itself.
    static let inlineSecrets = ["secret", "clientSecret", "password", "certificatePassword", "privateKey", "token"]
}

/// The guard's policies.
public enum GuardPolicyName: String, Sendable, CaseIterable {
    case standard, strict, readonly
}

/// The guard's policy of a connection, with classes that are judged otherwise.
public struct ConnectionGuardPolicy: Sendable, Hashable {
    /// The policy.
    public var name: GuardPolicyName
    /// Classes that are let through.
    public var allow: [String]
    /// Classes that need a confirmation.
    public var ask: [String]
    /// Classes that are refused.
    public var deny: [String]

    public init(_ name: GuardPolicyName = .standard, allow: [String] = [], ask: [String] = [], deny: [String] = []) {
        self.name = name
        self.allow = allow
        self.ask = ask
        self.deny = deny
    }

    /// The classes that rules and registry speak of.
    public static let classes = [
        "read", "write", "subscription", "send", "external", "destructive", "secret", "privilege", "session", "dynamic",
    ]
}

/// What runs simple Exchange pipelines.
public enum ConnectionEngine: String, Sendable, CaseIterable {
    case auto, native, pwsh
}

/// PowerShell's language mode in a session.
public enum ConnectionLanguage: String, Sendable, CaseIterable {
    case full, constrained
}

/// The identity that a connection is held to: names change, ids don't.
public struct AccountPin: Sendable, Hashable {
    /// The tenant's id.
    public var tenantId: String
    /// The account's object id in it; `nil` where the first sign-in was one of a module that doesn't tell it.
    public var objectId: String?
    /// The account's name at that sign-in; it counts where there is no object id.
    public var username: String?

    public init(tenantId: String, objectId: String?, username: String? = nil) {
        self.tenantId = tenantId
        self.objectId = objectId
        self.username = username
    }

    /// Whether an account is the one that is held to.
    package func covers(tenantId: String?, objectId: String?, username: String?) -> Bool {
        guard self.tenantId.lowercased() == tenantId?.lowercased() else { return false }
        if let own = self.objectId, let objectId { return own.lowercased() == objectId.lowercased() }
        return self.username != nil && self.username?.lowercased() == username?.lowercased()
    }
}
