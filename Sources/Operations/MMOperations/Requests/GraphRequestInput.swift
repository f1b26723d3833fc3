import MMCore
import MMDesk

/// The arguments of `graph_request`.
struct GraphRequestInput: OperationInput {
    static let fields: [InputField] = [
        InputField(
            "connection", .text, "Name; or several: A,B, tag:x.",
            at: .positional(0)),
        InputField(
            "endpoint", .text, "Path such as /me/messages or /beta/users.",
            at: .positional(1)),
        InputField(
            "method", .choice(["GET", "POST", "PATCH", "PUT", "DELETE"]), "HTTP method (default GET).", at: .option("X")
        ),
        InputField("body", .object, "JSON body for POST, PATCH and PUT.", at: .option("d"), readsFiles: true),
        InputField(
            "resource", .choice(RequestResource.allCases.map(\.rawValue)), "Service (default graph).",
            at: .option("r")),
        InputField(
            "query", .parameters, "OData options: $select, $filter…"),
        InputField("top", .integer(1...1_000_000), "Most items; follows pages."),
        InputField("all", .flag, "Follow all pages."),
        InputField(
            "output", .choice(["json", "table", "csv", "jsonl"]),
            "Form (default json).",
            at: .absent),
        InputField("search", .text, "Words: finds endpoints.", at: .absent),
        InputField("unlisted", .flag, "Send what no table lists."),
        InputField("upload", .text, "File or handle to send there."),
        InputField("download", .text, "File to write all of it to, or handle."),
        InputField(
            "recursive", .flag, "Send or fetch a folder of a drive with all that lies in it.", isOfferedToModels: false),
        InputField(
            "conflict", .choice(ConflictBehavior.allCases.map(\.rawValue)),
            "Where a file of that name is there already: fail (default), replace, rename.", isOfferedToModels: false),
        InputField(
            "batch", .text, "Many requests, one JSON object a line: method, url, body, headers, id, dependsOn.",
            isOfferedToModels: false, readsFiles: true),
        InputField(
            "changes", .flag, "Only what has changed since the last such call; the endpoint is a delta query.",
            isOfferedToModels: false),
        InputField(
            "if_match", .text, "Change only the version with this @odata.etag.", isOfferedToModels: false),
        InputField(
            "header", .textList, "A request header, as Name: value.", at: .option("H"), isOfferedToModels: false),
        InputField(
            "no_wait", .flag, "Don't wait for work that the service goes on with (202).", isOfferedToModels: false),
        InputField(
            "dryRun", .flag, "Show what would change, now and then; only reads are sent.", isOfferedToModels: false),
        InputField("confirmed", .flag, "Changes nothing."),
    ]

    let connection: String?
    let endpoint: String?
    let method: String
    let body: JSONValue?
    let resource: RequestResource?
    let query: [(name: String, value: String)]
    let top: Int?
    let all: Bool
    let search: String?
    let unlisted: Bool
    /// The file to send.
    let upload: String?
    /// The file to write.
    let download: String?
    /// The form of rows, where the call says one.
    let form: String?
    /// Whether a folder is sent or fetched.
    let recursive: Bool
    /// What happens where a file is there already.
    let conflict: ConflictBehavior?
    /// Many requests in place of one.
    let batch: String?
    /// Whether only what has changed is read.
    let changes: Bool
    /// Further headers.
    let headers: [String: String]
    /// Whether work that goes on is followed to its end.
    let waits: Bool
    /// Whether nothing is sent, and what would change is shown instead.
    let isDryRun: Bool
    let confirmed: Bool
    let isEmpty: Bool

    init(from reader: InputReader) throws(MMError) {
        connection = try reader.text("connection")
        endpoint = try reader.text("endpoint")
        let written = try reader.text("method")
        method = written ?? "GET"
        var body = try reader.object("body")
        // Models put the word into the body too, where the service would refuse it.
        let inBody = body?.remove("confirmed")
        self.body = body.map { .object($0) }
        resource = try reader.text("resource").flatMap { RequestResource(rawValue: $0) }
        query = try reader.parameters("query")
        top = try reader.integer("top")
        all = try reader.flag("all")
        confirmed = try reader.flag("confirmed") || inBody == .bool(true) || inBody == .string("true")
        isDryRun = try reader.flag("dryRun")
        search = try reader.text("search")
        unlisted = try reader.flag("unlisted")
        upload = try reader.text("upload")
        download = try reader.text("download")
        form = try reader.text("output")
        recursive = try reader.flag("recursive")
        conflict = try reader.text("conflict").flatMap { ConflictBehavior(rawValue: $0) }
        batch = try reader.text("batch")
        changes = try reader.flag("changes")
        var headers = try SafeHeaders.read(try reader.textList("header") ?? [])
        if let etag = try reader.text("if_match") { headers["If-Match"] = Self.quoted(etag) }
        self.headers = headers
        waits = try !reader.flag("no_wait")
        isEmpty = connection == nil && endpoint == nil && body == nil && batch == nil
        guard !isEmpty, search == nil else { return }
        try checkPlace()
        if batch != nil {
            try checkBatch(written)
        } else if upload != nil || download != nil {
            try checkTransfer(written)
        } else {
            try checkRequest()
        }
    }

    /// Where a request goes must be said.
    private func checkPlace() throws(MMError) {
        guard let connection else {
            throw MMError(
                .invalidInput, "The argument `connection` is missing.",
                hint: "Call it without arguments to list the connections.")
        }
        guard endpoint == nil, batch == nil else { return }
        // `mm graph /me`: what stands first is a path.
        guard connection.hasPrefix("/") else {
            throw MMError(
                .invalidInput, "The argument `endpoint` is missing.", hint: "For example /me or /users.")
        }
        throw MMError(
            .invalidInput, "Which connection is meant is missing: “\(connection.prefix(100))” is a path.",
            hint: "Give connection and endpoint, in this order; without both the connections are listed.",
            details: ["field": "connection"])
    }

    /// What goes together in one request.
    private func checkRequest() throws(MMError) {
        guard conflict == nil, !recursive else {
            throw MMError(
                .invalidInput, "`\(recursive ? "recursive" : "conflict")` goes with `upload` and `download`.",
                hint: "Leave it out.")
        }
        if changes, method != "GET" || all || top != nil {
            throw MMError(
                .invalidInput, "`changes` reads all that has changed; it goes alone.",
                hint: "Leave out method, all and top.")
        }
        if method == "GET", body != nil {
            throw MMError(.invalidInput, "A GET request has no body.", hint: "Say the method: POST, PATCH or PUT.")
        }
        // A POST may be an action that takes none. Nobody should be asked for a yes to a change that says nothing.
        if method == "PATCH" || method == "PUT", body == nil {
            throw MMError(
                .invalidInput, "A \(method) request needs a body: what to change.",
                hint: "Give `body` (in a terminal: -d '{\"displayName\": \"…\"}' or -d @file.json).")
        }
        if all || top != nil, method != "GET" {
            throw MMError(.invalidInput, "`all` and `top` go with GET, not with \(method).", hint: "Leave them out.")
        }
    }

    /// An etag with the quotes that belong to it, which shells take away.
    private static func quoted(_ etag: String) -> String {
        if etag == "*" || etag.hasSuffix("\"") { return etag }
        return etag.hasPrefix("W/") ? "W/\"\(etag.dropFirst(2))\"" : "\"\(etag)\""
    }

    /// Many requests say all of each themselves.
    private func checkBatch(_ written: String?) throws(MMError) {
        guard endpoint == nil, body == nil, written == nil, query.isEmpty, !all, top == nil, !changes, headers.isEmpty,
            upload == nil, download == nil, !recursive
        else {
            throw MMError(
                .invalidInput, "`batch` holds whole requests; nothing else goes with it but the connection.",
                hint: "Give each request its method, url, headers and body in the batch.")
        }
    }

    /// A file that is sent or fetched is the whole request: its method and body follow from it.
    private func checkTransfer(_ written: String?) throws(MMError) {
        func refused(_ message: String, _ hint: String) -> MMError { MMError(.invalidInput, message, hint: hint) }
        guard !isDryRun || upload != nil && !recursive else {
            throw MMError(
                .unsupported, "`dryRun` shows what a request, or a file that is sent, changes.",
                hint: "Leave `dryRun` out.", details: ["field": "dryRun"])
        }
        guard upload == nil || download == nil else {
            throw refused("`upload` and `download` are two calls.", "Give one of them.")
        }
        let word = upload == nil ? "download" : "upload"
        guard body == nil else { throw refused("`\(word)` has no `body`.", "Leave `body` out.") }
        guard upload == nil || !all && top == nil else {
            throw refused("`all` and `top` don't go with `\(word)`.", "Leave them out.")
        }
        if all || top != nil, let endpoint, endpoint.contains(":/"), !endpoint.hasSuffix("children") {
            throw refused("A file has no pages.", "Leave out `all` and `top`.")
        }
        guard !recursive || !all && top == nil else {
            throw refused("A folder has no rows.", "Leave out `all` and `top`, or `recursive`.")
        }
        let methods = upload == nil ? ["GET"] : ["PUT", "POST"]
        guard written.map(methods.contains) ?? true else {
            throw refused("`\(word)` is no \(written ?? "") request.", "Leave `method` out.")
        }
    }
}
