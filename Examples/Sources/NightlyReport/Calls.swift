// Written by `mm swift`; write it anew after an update of mm.
import MicrosoftMaster

/// Send a request to Microsoft Graph, Power Automate, Azure, Power Platform or SharePoint.
struct GraphRequest: OperationCall {
    static let operation = "graph_request"
    /// Name; or several: A,B, tag:x.
    var connection: String?
    /// Path such as /me/messages or /beta/users.
    var endpoint: String?
    /// HTTP method (default GET).
    var method: Method?
    /// JSON body for POST, PATCH and PUT.
    var body: JSONObject?
    /// Service (default graph).
    var resource: Resource?
    /// OData options: $select, $filter…
    var query: JSONObject?
    /// Most items; follows pages.
    var top: Int?
    /// Follow all pages.
    var all: Bool?
    /// Form (default json).
    var output: Output?
    /// Words: finds endpoints.
    var search: String?
    /// Send what no table lists.
    var unlisted: Bool?
    /// File or handle to send there.
    var upload: String?
    /// File to write all of it to, or handle.
    var download: String?
    /// Send or fetch a folder of a drive with all that lies in it.
    var recursive: Bool?
    /// Where a file of that name is there already: fail (default), replace, rename.
    var conflict: Conflict?
    /// Many requests, one JSON object a line: method, url, body, headers, id, dependsOn.
    var batch: String?
    /// Only what has changed since the last such call; the endpoint is a delta query.
    var changes: Bool?
    /// Change only the version with this @odata.etag.
    var ifMatch: String?
    /// A request header, as Name: value.
    var header: [String]?
    /// Don't wait for work that the service goes on with (202).
    var noWait: Bool?
    /// Show what would change, now and then; only reads are sent.
    var dryRun: Bool?
    /// Changes nothing.
    var confirmed: Bool?
    /// Go on with a call for several connections, by its name (set_…); nothing else goes with it.
    var resume: String?

    /// What `method` may be.
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case patch = "PATCH"
        case put = "PUT"
        case delete = "DELETE"
    }

    /// What `resource` may be.
    enum Resource: String, Sendable {
        case graph
        case flow
        case azure
        case powerplatform
        case sharepoint
    }

    /// What `output` may be.
    enum Output: String, Sendable {
        case json
        case table
        case csv
        case jsonl
    }

    /// What `conflict` may be.
    enum Conflict: String, Sendable {
        case fail
        case replace
        case rename
    }

    init(
        connection: String? = nil,
        endpoint: String? = nil,
        method: Method? = nil,
        body: JSONObject? = nil,
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
        members["body"] = body.map { .object($0) }
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

/// Guests who have not signed in for a number of days, or never since they were invited.
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
