/// Properties that hold tokens, keys and the like, and the harmless properties of objects that contain them.
enum SecretProperties {
    /// Returns whether a property of this name (in lower case) holds a token, a key, a password or a request with its
    /// token: whatever object it belongs to, or one that may be of a sign-in, whose properties have names that records
    /// of a service have too.
    static func contains(_ name: String, of kinds: ValueFacts.Kinds) -> Bool {
        names.contains(name) || kinds != .data && ofSignIns.contains(name)
    }

    /// Returns what a property (in lower case) of an object with secrets yields: another such object, plain data, or
    /// nil if it isn't known to be harmless.
    static func kinds(behind name: String, of kinds: ValueFacts.Kinds) -> ValueFacts.Kinds? {
        var found: ValueFacts.Kinds = kinds.subtracting(.secretive)
        if plain.contains(name) { return found.union(.data) }
        for (kind, links, leaves) in harmless where kinds.contains(kind) {
            if links.contains(name) {
                found.formUnion(kind)
            } else if leaves.contains(name) {
                found.formUnion(.data)
            } else {
                return nil
            }
        }
        return found
    }

    /// Returns whether a command prints a whole object, including the properties of its properties.
    static func printsAll(_ command: String) -> Bool { deepPrinters.contains(command) }

    /// Returns the kind of secrets in a cmdlet's output.
    static func kind(ofAnswerOf cmdlet: String) -> ValueFacts.Kinds? { answers[cmdlet] }

    private static let answers: [String: ValueFacts.Kinds] = [
        "get-azcontext": .contexts, "set-azcontext": .contexts, "get-mgcontext": .contexts,
        "get-pnpconnection": .contexts,
        "get-pnpcontext": .contexts, "get-aztenant": [.data, .tenants], "get-error": .errors, "get-process": .processes,
    ]

    private static let deepPrinters: Set<String> = [
        "convertto-json", "convertto-xml", "convertto-csv", "convertto-html", "export-csv", "export-clixml",
        "format-custom",
    ]

    private static let ofSignIns: Set<String> = ["extendedproperties"]

    private static let names: Set<String> = [
        "accesstoken", "access_token", "refreshtoken", "refresh_token", "idtoken", "id_token",
        "authorization", "requestmessage", "targetobject", "commandline", "securepassword", "tokencache",
        "applicationsettings", "appsettings", "connectionstrings", "connectionstring", "primaryconnectionstring",
        "secondaryconnectionstring", "primarykey", "secondarykey", "primarysharedkey", "secondarysharedkey",
        "clientsecret", "client_secret", "secrettext", "secretvalue", "secretvaluetext", "sastoken", "sasuri",
        "accountkey", "storageaccountkey", "publishingpassword", "publishingusername", "environmentvariables",
        "pscredential", "getnetworkcredential", "instrumentationkey", "adminpassword", "administratorloginpassword",
        "localcredentials", "startinfo",
    ]

    /// Names that are harmless on any object.
    private static let plain: Set<String> = [
        "count", "length", "hresult", "gettype", "tostring", "name", "id",
    ]

    private static let harmless: [(kind: ValueFacts.Kinds, links: Set<String>, leaves: Set<String>)] = [
        (
            .errors, ["exception", "innerexception", "errordetails", "response", "invocationinfo", "categoryinfo"],
            [
                "message", "recommendedaction", "fullyqualifiederrorid", "scriptstacktrace", "statuscode", "status",
                "responsestatuscode", "headers", "responseheaders",
                "code", "category", "activity", "reason", "targetname", "targettype", "fullname", "line",
                "offsetinline",
                "scriptlinenumber", "positionmessage", "mycommand", "scriptname", "commandname", "source", "error",
                "parametername", "errorid", "statusdescription", "reasonphrase", "errorcode", "errormessage",
                "stacktrace",
            ]
        ),
        (
            .contexts, ["account", "context", "subscription", "tenant", "environment", "web", "site", "rootweb"],
            [
                "type", "state", "tenants", "tenantid", "hometenantid", "subscriptionid", "displayname", "url",
                "clientid", "connectiontype", "connectionmethod", "scopes", "authtype", "appname", "contextscope",
                "tokencredentialtype", "authproviderttype", "pnpversiontag", "versionprofile", "resourcemanagerurl",
                "title", "description", "serverrelativeurl", "language", "created", "webtemplate",
            ]
        ),
        (
            .processes, [],
            [
                "processname", "cpu", "workingset", "workingset64", "ws", "pm", "npm", "vm", "handles", "handlecount",
                "starttime", "si", "sessionid", "responding", "priorityclass", "totalprocessortime", "threads",
                "privatememorysize64", "pagedmemorysize64", "virtualmemorysize64", "path", "company", "description",
                "fileversion", "productversion", "basepriority", "hasexited", "userprocessortime",
            ]
        ),
    ]
}
