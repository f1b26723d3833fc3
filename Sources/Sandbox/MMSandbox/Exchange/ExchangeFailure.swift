internal import MMCore

/// An error in the format of the admin API.
struct ExchangeFailure: Error {
    let status: Int
    let code: String
    let id: String
    let type: String
    let text: String
    /// Whether only the inner exception holds the reason, as with some errors of parameters.
    let isInner: Bool
    /// The number of PowerShell's category.
    var category = "Client"

    init(_ status: Int, _ code: String, id: String = "", type: String, _ text: String, isInner: Bool = false) {
        self.status = status
        self.code = code
        self.id = id
        self.type = type
        self.text = text
        self.isInner = isInner
    }

    static let server = "SANDBOX00DC01.CONTOSOSANDBOX.PROD.OUTLOOK.COM"

    static func notFound(_ identity: String) -> ExchangeFailure {
        ExchangeFailure(
            404, "NotFound", id: "Ex6F9304",
            type: "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
            "The operation couldn't be performed because object '\(identity)' couldn't be found on '\(server)'.")
    }

    static func noArchive(_ name: String) -> ExchangeFailure {
        ExchangeFailure(
            400, "BadRequest", id: "ExB5D3C1",
            type: "Microsoft.Exchange.Configuration.Tasks.TaskInvalidOperationException",
            "The archive mailbox isn't enabled for the mailbox '\(name)'.")
    }

    static func ambiguous(_ identity: String) -> ExchangeFailure {
        ExchangeFailure(
            400, "BadRequest", id: "Ex83A54A",
            type: "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException",
            "The operation couldn't be performed because '\(identity)' matches multiple entries.")
    }

    static func unknownParameter(_ name: String) -> ExchangeFailure {
        ExchangeFailure(
            400, "BadRequest",
            type: "Microsoft.Exchange.AdminApi.CommandInvocation.NamedParameterNotFoundException",
            "A parameter cannot be found that matches parameter name '\(name)'.")
    }

    static func missing(_ name: String) -> ExchangeFailure {
        ExchangeFailure(
            400, "BadRequest",
            type: "Microsoft.Exchange.AdminApi.CommandInvocation.MissingMandatoryParameterException",
            "Cannot process command because of one or more missing mandatory parameters: \(name).")
    }

    static func invalid(_ name: String, _ text: String) -> ExchangeFailure {
        ExchangeFailure(
            400, "BadRequest",
            type: "Microsoft.Exchange.AdminApi.CommandInvocation.ParameterTransformationException",
            "Cannot process argument transformation on parameter '\(name)'. \(text)", isInner: true)
    }

    /// The body.
    var json: JSONValue {
        let outer = code == "NotFound" || code == "InternalServerError" ? "Error executing cmdlet" : "Invalid Operation"
        let shown =
            isInner
            ? "|\(Self.generic)|Parameter set cannot be resolved using the specified named parameters."
            : "\(id)|\(type)|\(text)"
        return [
            "error": [
                "code": .string(code), "message": .string(outer),
                "details": [["code": .string(category), "target": "", "message": .string(isInner ? "" : shown)]],
                "innererror": [
                    "message": .string(outer), "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                    "stacktrace": "",
                    "internalexception": [
                        "message": .string(isInner ? text : "Exception of type '\(Self.generic)' was thrown."),
                        "type": .string(isInner ? type : Self.generic), "stacktrace": "",
                    ],
                ],
            ], "adminapi.warnings@odata.type": "#Collection(String)", "@adminapi.warnings": [],
        ]
    }

    private static let generic = "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException"
}
