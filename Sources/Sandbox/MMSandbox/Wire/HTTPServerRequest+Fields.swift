internal import MMCore
internal import MMHTTP

extension HTTPServerRequest {
    /// The fields of an `application/x-www-form-urlencoded` body.
    var form: PostedForm { PostedForm(parsing: String(decoding: body, as: UTF8.self)) }

    /// The body as a JSON object; nil if it isn't one.
    var object: JSONObject? { (try? JSONParser.parse(body))?.object }

    /// The fields of the query.
    var queryFields: PostedForm { PostedForm(parsing: query ?? "") }

    /// The segments of the path, still percent-encoded, without empty ones.
    var segments: [String] { path.split(separator: "/").map(String.init) }
}
