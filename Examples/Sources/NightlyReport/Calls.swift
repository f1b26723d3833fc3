// Written by `mm swift`. Generate it again after an update of mm.
import MicrosoftMaster

/// Send a request to Microsoft Graph, Power Automate, Azure, Power Platform or SharePoint.
struct GraphRequest: OperationCall {
    static let operation = "graph_request"
    /// Name, or several: A,B, tag:x.
    var connection: String?
    /// Path: /me/messages, /beta/users.
    var endpoint: String?
    /// HTTP method (default GET).
    var method: Method?
    /// JSON body.
    var body: JSONValue?
    /// Service (default graph).
    var resource: Resource?
    /// OData options: $select, $filter…
    var query: JSONObject?
    /// Maximum items; follows pages.
    var top: Int?
    /// Follow all pages.
    var all: Bool?
    /// Format (default json).
    var output: Output?
    /// Words to find endpoints.
    var search: String?
    /// Skip the path check.
    var unlisted: Bool?
    /// File or handle to send.
    var upload: String?
    /// File to write, or handle.
    var download: String?
    /// Upload or download a folder of a drive with all its contents.
    var recursive: Bool?
    /// If a file of that name exists: fail (default), replace or rename.
    var conflict: Conflict?
    /// Send many requests, one JSON object a line: method, url, body, headers, id, dependsOn.
    var batch: String?
    /// Read only what has changed since the last such call. The endpoint must be a delta query.
    var changes: Bool?
    /// Change the object only if it still has this @odata.etag.
    var ifMatch: String?
    /// Request header, as Name: value.
    var header: [String]?
    /// Don't wait for a long-running operation (202) to end.
    var noWait: Bool?
    /// Show what would change; only reads are sent.
    var dryRun: Bool?
    /// No effect.
    var confirmed: Bool?
    /// ID (set_…) of a call to continue, alone.
    var resume: String?

    /// The values of `method`.
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case patch = "PATCH"
        case put = "PUT"
        case delete = "DELETE"
    }

    /// The values of `resource`.
    enum Resource: String, Sendable {
        case graph
        case flow
        case azure
        case powerplatform
        case sharepoint
    }

    /// The values of `output`.
    enum Output: String, Sendable {
        case json
        case table
        case csv
        case jsonl
    }

    /// The values of `conflict`.
    enum Conflict: String, Sendable {
        case fail
        case replace
        case rename
    }

    init(
        connection: String? = nil,
        endpoint: String? = nil,
        method: Method? = nil,
        body: JSONValue? = nil,
        resource: Resource? = nil,
        query: JSONObject? = nil,
        top: Int? = nil,
        all: Bool? = nil,
        output: Output? = nil,
        search: String? = nil,
        unlisted: Bool? = nil,
        upload: String? = nil,
        download: String? = nil,
        recursive: Bool? = nil,
        conflict: Conflict? = nil,
        batch: String? = nil,
        changes: Bool? = nil,
        ifMatch: String? = nil,
        header: [String]? = nil,
        noWait: Bool? = nil,
        dryRun: Bool? = nil,
        confirmed: Bool? = nil,
        resume: String? = nil
    ) {
        self.connection = connection
        self.endpoint = endpoint
        self.method = method
        self.body = body
        self.resource = resource
        self.query = query
        self.top = top
        self.all = all
        self.output = output
        self.search = search
        self.unlisted = unlisted
        self.upload = upload
        self.download = download
        self.recursive = recursive
        self.conflict = conflict
        self.batch = batch
        self.changes = changes
        self.ifMatch = ifMatch
        self.header = header
        self.noWait = noWait
        self.dryRun = dryRun
        self.confirmed = confirmed
        self.resume = resume
    }

    var members: JSONObject {
        var members = JSONObject()
        members["connection"] = connection.map { .string($0) }
        members["endpoint"] = endpoint.map { .string($0) }
        members["method"] = method.map { .string($0.rawValue) }
        members["body"] = body
        members["resource"] = resource.map { .string($0.rawValue) }
        members["query"] = query.map { .object($0) }
        members["top"] = top.map { .int(Int64($0)) }
        members["all"] = all.map { .bool($0) }
        members["output"] = output.map { .string($0.rawValue) }
        members["search"] = search.map { .string($0) }
        members["unlisted"] = unlisted.map { .bool($0) }
        members["upload"] = upload.map { .string($0) }
        members["download"] = download.map { .string($0) }
        members["recursive"] = recursive.map { .bool($0) }
        members["conflict"] = conflict.map { .string($0.rawValue) }
        members["batch"] = batch.map { .string($0) }
        members["changes"] = changes.map { .bool($0) }
        members["if_match"] = ifMatch.map { .string($0) }
        members["header"] = header.map { .array($0.map { .string($0) }) }
        members["no_wait"] = noWait.map { .bool($0) }
        members["dryRun"] = dryRun.map { .bool($0) }
        members["confirmed"] = confirmed.map { .bool($0) }
        members["resume"] = resume.map { .string($0) }
        return members
    }
}

/// Guests who have not signed in for a number of days, or never.
struct UnusedGuests: OperationCall {
    static let operation = "recipe"
    /// Name of the connection.
    var connection: String
    /// Days without a sign-in.
    var days: Int?

    init(
        connection: String,
        days: Int? = nil
    ) {
        self.connection = connection
        self.days = days
    }

    var members: JSONObject {
        var members = JSONObject()
        members["tool"] = "unused-guests"
        members["connection"] = .string(connection)
        var param = JSONObject()
        param["days"] = days.map { .int(Int64($0)) }
        if !param.isEmpty { members["param"] = .object(param) }
        return members
    }
}
