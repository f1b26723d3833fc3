import MMCore
import MMGuard
import TestSupport
import Testing

@Suite("Bodies at the wire that nobody meant", .timeLimit(.minutes(5)))
struct WireFuzzTests {
    static let bodies: [(RequestService, String, String, String)] = [
        (.exchange, WireRequestTests.invoke, "application/json", Wire.cmdlet("Remove-Mailbox", #"{"Identity":"ann"}"#)),
        (
            .sharePoint, ObjectRequestTests.address, "text/xml",
            Wire.objects(#"<Method Name="DeleteObject" Id="9" ObjectPathId="3" />"#, Wire.list)
        ),
        (
            .sharePoint, "/_api/$batch", MultipartBatchTests.type,
            MultipartBatchTests.get + MultipartBatchTests.part("POST /_api/web/recycle") + "--batch_1--\r\n"
        ),
        (.graph, "/v1.0/$batch", "application/json", #"{"requests":[{"id":"1","method":"DELETE","url":"/users/a"}]}"#),
    ]

    @Test("a damaged body neither stops the guard nor, while its change stands in it, becomes a read", arguments: 0..<4)
    func damaged(index: Int) {
        let (service, target, type, body) = Self.bodies[index]
        var random = SeededRandom(seed: UInt64(index + 17))
        for _ in 0..<1_500 {
            var bytes = Array(body.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                default: bytes.insert(contentsOf: bytes[place..<min(place + 20, bytes.count)], at: place)
                }
            }
            let request = WireRequest(
                service: service, origin: Wire.origin(service), method: "POST", target: target,
                headers: [.init("Content-Type", type)], body: .whole(bytes))
            let intent = GuardEngine.standard.intent(of: request)
            let text = String(decoding: bytes, as: UTF8.self)
            let stands = ["\"Remove-Mailbox\"", "Name=\"DeleteObject\"", "POST /_api/web/recycle ", "\"DELETE\""]
            if text.contains(stands[index]), intent.isRead {
                Issue.record("a read: \(text)")
            }
        }
    }

    @Test("deep and wide bodies are refused in time")
    func large() {
        let deep = String(repeating: "<a>", count: 100_000)
        let wide = Wire.objects(String(repeating: #"<ObjectPath Id="5" ObjectPathId="3" />"#, count: 60_000), Wire.list)
        let chain = (1..<3_000).map { #"<Property Id="\#($0)" ParentId="\#($0 - 1)" Name="A" />"# }.joined()
        for body in [deep, wide, Wire.objects("", Wire.current + chain)] {
            #expect(!Wire.intent(.sharePoint, "POST", ObjectRequestTests.address, body).isRead)
        }
    }
}
