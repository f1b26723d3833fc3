import MMCore
import MMDesk

/// The arguments of `graph_request`.
struct GraphRequestInput: OperationInput {
    @Argument("connection", "Name, or several: A,B, tag:x.", .at(0)) var connection: String?
    @Argument("endpoint", "Path: /me/messages, /beta/users.", .at(1), .completes(.endpoints)) var endpoint: String?
    @Argument("method", "HTTP method (default GET).", .short("X"), of: GraphRequestInput.methods)
    private var written: String?
    @Argument("body", "JSON body.", .short("d"), .readsFiles) private var given: GivenBody?
    @Argument("resource", "Service (default graph).", .short("r")) var resource: RequestResource?
    @Argument("query", "OData options: $select, $filter…") var query: [(name: String, value: String)]
    @Argument("top", "Maximum items; follows pages.", in: 1...1_000_000) var top: Int?
    @Argument("all", "Follow all pages.") var all: Bool
    /// The form of rows; `nil` where the call doesn't name one.
    @Argument("output", "Format (default json).", .notOnCommandLine, of: ["json", "table", "csv", "jsonl"])
    var form: String?
    @Argument("search", "Words to find endpoints.", .notOnCommandLine) var search: String?
    @Argument("unlisted", "Skip the path check.") var unlisted: Bool
    /// The file to send.
    @Argument("upload", "File or handle to send.", .completes(.files)) var upload: String?
    /// The file to write.
    @Argument("download", "File to write, or handle.", .completes(.files)) var download: String?
    /// Whether a whole folder is sent or fetched.
    @Argument("recursive", "Upload or download a folder of a drive with all its contents.", .notForModels)
    var recursive: Bool
    /// The behaviour where a file of that name exists already.
    @Argument("conflict", "If a file of that name exists: fail (default), replace or rename.", .notForModels)
    var conflict: ConflictBehavior?
    /// Many requests in place of one.
    @Argument(
        "batch", "Send many requests, one JSON object a line: method, url, body, headers, id, dependsOn.",
        .notForModels,
        .readsFiles)
    var batch: String?
    /// Whether only changes since the last call are read.
    @Argument(
        "changes", "Read only what has changed since the last such call. The endpoint must be a delta query.",
        .notForModels)
    var changes: Bool
    @Argument("if_match", "Change the object only if it still has this @odata.etag.", .notForModels) private
        var version: String?
    @Argument("header", "Request header, as Name: value.", .short("H"), .notForModels, asAll: SafeHeaders.read)
    private var others: [String: String] = [:]
    @Argument("no_wait", "Don't wait for a long-running operation (202) to end.", .notForModels)
    private var leaves: Bool
    /// Whether only the changes are shown and nothing is sent.
    @Argument("dryRun", "Show what would change; only reads are sent.", .untoldToModels) var isDryRun: Bool
    @Argument("confirmed", "No effect.") private var isMarked: Bool

    private static let methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]

    var method: String { written ?? "GET" }
    /// The body. Clients that fill in every argument send an empty object where a request has none.
    var body: JSONValue? {
        let isBodiless = method == "GET" || method == "DELETE"
        return given.map(\.value).flatMap { isBodiless && $0 == [:] ? nil : $0 }
    }
    var confirmed: Bool { isMarked || given?.isConfirmed == true }
    /// Whether a long-running operation (202) is followed to its end.
    var waits: Bool { !leaves }
    var isEmpty: Bool { connection == nil && endpoint == nil && body == nil && batch == nil }

    /// The additional request headers.
    var headers: [String: String] {
        var headers = others
        if let version { headers["If-Match"] = Self.quoted(version) }
        return headers
    }

    func check() throws(MMError) {
        guard search == nil else { return try checkSearch() }
        guard !isEmpty else { return }
        try checkPlace()
        if batch != nil {
            try checkBatch()
        } else if upload != nil || download != nil {
            try checkTransfer()
        } else {
            try checkRequest()
        }
    }

    /// Checks that a search for endpoints comes without a request, which would not be sent.
    private func checkSearch() throws(MMError) {
        guard endpoint == nil, batch == nil else {
            throw Self.refused(
                "search", "`search` finds endpoints: it can't be combined with a request.",
                "Leave it out to send the request. Words to find objects by belong in the query, as "
                    + #"{"$search": "\"displayName:Ann\""} or a $filter."#)
        }
    }

    /// Checks that connection and endpoint are given.
    private func checkPlace() throws(MMError) {
        guard let connection else {
            throw Self.refused(
                "connection", "The argument `connection` is missing.",
                "Call it without arguments to list the connections.")
        }
        if let endpoint, let method = Self.methods.first(where: { endpoint.uppercased().hasPrefix("\($0) ") }) {
            throw Self.refused(
                "endpoint", "The endpoint begins with the method \(method).",
                "Give the path as `endpoint`, and \(method) as `method`.")
        }
        if let endpoint, Self.isCmdlet(endpoint) {
            throw Self.refused(
                "endpoint", "The endpoint “\(endpoint.prefix(100))” is a PowerShell command.",
                "`mm run \(ShellWord.quoted(connection)) \(ShellWord.quoted(String(endpoint.prefix(500))))` runs it.")
        }
        guard endpoint == nil, batch == nil else { return }
        // In `mm graph /me` the first argument is a path instead of a connection.
        guard connection.hasPrefix("/") else {
            throw Self.refused("endpoint", "The argument `endpoint` is missing.", "For example /me or /users.")
        }
        throw Self.refused(
            "connection", "The connection is missing: “\(connection.prefix(100))” is a path.",
            "Give connection and endpoint, in this order, or neither to list the connections.")
    }

    /// Returns whether a text begins with the name of a cmdlet, `Get-MgUser`, in place of a path.
    private static func isCmdlet(_ text: String) -> Bool {
        let parts = text.prefix { !$0.isWhitespace }.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { $0.first?.isUppercase == true && $0.allSatisfy(\.isLetter) }
    }

    private static func refused(_ field: String, _ message: String, _ hint: String) -> MMError {
        MMError(.invalidInput, message, hint: hint, details: ["field": .string(field)])
    }

    /// Checks the combination of arguments for one request.
    private func checkRequest() throws(MMError) {
        guard conflict == nil, !recursive else {
            let word = recursive ? "recursive" : "conflict"
            throw Self.refused(word, "`\(word)` can only be used with `upload` or `download`.", "Leave it out.")
        }
        if changes, method != "GET" || all || top != nil {
            throw Self.refused(
                "changes", "`changes` can't be combined with method, all or top.", "Leave out method, all and top.")
        }
        if method == "GET", body != nil {
            throw Self.refused("body", "A GET request has no body.", "Set the method to POST, PATCH or PUT.")
        }
        // A POST may be an action without a body. A PATCH or PUT without one changes nothing, so no person should have
        // to confirm it.
        if method == "PATCH" || method == "PUT", body == nil {
            throw Self.refused(
                "body", "A \(method) request needs a body that says what to change.",
                "Give `body` (in a terminal: -d '{\"displayName\": \"…\"}' or -d @file.json).")
        }
        if all || top != nil, method != "GET" {
            throw Self.refused(
                all ? "all" : "top", "`all` and `top` can only be used with GET, not with \(method).", "Leave them out."
            )
        }
    }

    /// Returns an ETag with its quotes, which shells remove.
    private static func quoted(_ etag: String) -> String {
        if etag == "*" || etag.hasSuffix("\"") { return etag }
        return etag.hasPrefix("W/") ? "W/\"\(etag.dropFirst(2))\"" : "\"\(etag)\""
    }

    /// Checks that no other arguments are given with a batch, whose requests are complete.
    private func checkBatch() throws(MMError) {
        guard endpoint == nil, body == nil, written == nil, query.isEmpty, !all, top == nil, !changes, headers.isEmpty,
            upload == nil, download == nil, !recursive
        else {
            throw Self.refused(
                "batch", "`batch` contains whole requests and can only be combined with the connection.",
                "Put method, url, headers and body of each request into the batch.")
        }
    }

    /// Checks that no other arguments are given with a file transfer, which determines its own method and body.
    private func checkTransfer() throws(MMError) {
        guard upload == nil || download == nil else {
            throw Self.refused("download", "`upload` and `download` can't be combined.", "Give one of them.")
        }
        let word = upload == nil ? "download" : "upload"
        guard !isDryRun || upload != nil && !recursive else {
            throw Self.refused(
                "dryRun", "`dryRun` can't be combined with \(upload == nil ? "`download`" : "the upload of a folder").",
                "Leave `dryRun` out.")
        }
        guard body == nil else {
            throw Self.refused("body", "`\(word)` can't be combined with `body`.", "Leave `body` out.")
        }
        let pages = all ? "all" : "top"
        guard upload == nil || !all && top == nil else {
            throw Self.refused(pages, "`all` and `top` can't be combined with `\(word)`.", "Leave them out.")
        }
        if all || top != nil, let endpoint, endpoint.contains(":/"), !endpoint.hasSuffix("children") {
            throw Self.refused(pages, "A file has no pages.", "Leave out `all` and `top`.")
        }
        guard !recursive || !all && top == nil else {
            throw Self.refused(pages, "A folder has no rows.", "Leave out `all` and `top`, or `recursive`.")
        }
        let methods = upload == nil ? ["GET"] : ["PUT", "POST"]
        guard written.map(methods.contains) ?? true else {
            throw Self.refused(
                "method", "`\(word)` can't be combined with the method \(written ?? "").", "Leave `method` out.")
        }
    }
}

extension ConflictBehavior: ArgumentValue {}
