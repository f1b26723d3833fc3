internal import MMCore
internal import MMHTTP

extension HTTPServerRequest {
    /// The fields of an `application/x-www-form-urlencoded` body.
    var form: PostedForm { PostedForm(parsing: String(decoding: body, as: UTF8.self)) }

    /// The object that the body holds as JSON; nil where it is none.
    var object: JSONObject? { (try? JSONParser.parse(body))?.object }

    /// The fields of the query.
    var queryFields: PostedForm { PostedForm(parsing: query ?? "") }

    /// The segments of the path, still percent-encoded; empty ones don't count.
    var segments: [String] { path.split(separator: "/").map(String.init) }
}
