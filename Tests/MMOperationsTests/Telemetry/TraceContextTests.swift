import MMCore
import Testing

@testable import MMOperations

@Suite("The trace that a caller's work belongs to")
struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test("is read as the specification says, also from later versions")
    func read() throws {
        let sampled = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-01", state: "vendor=value"))
        #expect(sampled.trace == Self.trace && sampled.span == Self.span && sampled.isSampled)
        #expect(sampled.state == "vendor=value")
        #expect(sampled.parent == "00-\(Self.trace)-\(Self.span)-01")
        let later = try #require(TraceContext(parent: "cc-\(Self.trace)-\(Self.span)-00-what-the-future-brings"))
        #expect(!later.isSampled)
        // What is passed on is of the version that this program writes.
        #expect(later.parent == "00-\(Self.trace)-\(Self.span)-00")
    }

    @Test(
        "is none where the header is not what the specification says",
        arguments: [
            nil, "", "00", "00-\(trace)-\(span)", "ff-\(trace)-\(span)-01", "00-\(trace)-\(span)-01-more",
            "00-\(trace.uppercased())-\(span)-01", "00-00000000000000000000000000000000-\(span)-01",
            "00-\(trace)-0000000000000000-01", "00-\(trace)0-\(span)-01", "00-\(trace)-\(span)-zz",
            " 00-\(trace)-\(span)-01",
            "00-\(trace.dropLast())é-\(span)-01",
        ])
    func invalid(header: String?) {
        #expect(TraceContext(parent: header) == nil)
    }

    @Test("follows the sampler of the environment, and the caller where that says so")
    func sampling() throws {
        func sampler(_ name: String?, _ argument: String? = nil) throws -> TraceSampler {
            try TraceSampler(name: name, argument: argument)
        }
        let yes = TraceContext(parent: "00-\(Self.trace)-\(Self.span)-01")
        let no = TraceContext(parent: "00-\(Self.trace)-\(Self.span)-00")
        #expect(try sampler(nil).records(Self.trace, under: nil))
        #expect(try !sampler(nil).records(Self.trace, under: no))
        #expect(try sampler("always_on").records(Self.trace, under: no))
        #expect(try !sampler("always_off").records(Self.trace, under: yes))
        #expect(try sampler("parentbased_always_off").records(Self.trace, under: yes))
        #expect(try !sampler("traceidratio", "0").records(Self.trace, under: yes))
        #expect(try sampler("traceidratio", "1").records(String(repeating: "f", count: 32), under: no))
        // The share is that of the ids, not of a die that each program throws.
        let half = try sampler("traceidratio", "0.5")
        #expect(half.records(String(repeating: "0", count: 18) + "7fffffffffffff", under: nil))
        #expect(!half.records(String(repeating: "0", count: 18) + "80000000000000", under: nil))
        for (name, argument) in [("sometimes", nil), ("traceidratio", "2"), ("traceidratio", "x")]
            as [(String, String?)]
        {
            #expect(throws: MMError.self) { try sampler(name, argument) }
        }
    }
}
