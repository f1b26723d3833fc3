import MMCore
import TestSupport
import Testing

@Suite("Numbers that survive", .timeLimit(.minutes(5)))
struct JSONNumberTests {
    @Test(
        "numbers keep their text or at least their value",
        arguments: [
            ("0", "0"), ("-0", "-0"), ("9007199254740993", "9007199254740993"),
            ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "9223372036854775808"), ("-9223372036854775809", "-9223372036854775809"),
            ("18446744073709551615", "18446744073709551615"),
            ("123456789012345678901234567890", "123456789012345678901234567890"), ("1.0", "1.0"), ("1e2", "100.0"),
            ("1E+2", "100.0"), ("-0.0", "-0.0"), ("0.1", "0.1"), ("3.141592653589793", "3.141592653589793"),
            ("3.141592653589793238462643", "3.141592653589793238462643"), ("1e400", "1e400"), ("-1e400", "-1e400"),
            ("1e-400", "1e-400"), ("0e-400", "0.0"), ("0.30000000000000001", "0.30000000000000001"),
            ("0.30000000000000004", "0.30000000000000004"), ("4.9e-324", "4.9e-324"), ("5e-324", "5e-324"),
            ("2.2250738585072014e-308", "2.2250738585072014e-308"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("1.10", "1.1"), ("12345678.90123456", "12345678.90123456"), ("9007199254740993.0", "9007199254740993.0"),
            ("1e23", "1e+23"), ("5e-7", "5e-07"),
        ])
    func fidelity(written: String, back: String) throws {
        let value = try JSONParser.parse(written)
        #expect(JSONWriter.string(value) == back)
        #expect(try JSONParser.parse(back) == value)
    }

    @Test("a number beyond the machine's types keeps its text")
    func raw() throws {
        #expect(try JSONParser.parse("18446744073709551615") == .number("18446744073709551615"))
        #expect(try JSONParser.parse("1e400") == .number("1e400"))
        #expect(try JSONParser.parse("-0") == .number("-0"))
        #expect(try JSONParser.parse("5") == .int(5))
        #expect(try JSONParser.parse("5.0") == .double(5))
    }

    @Test("random doubles and integers stay equal")
    func random() throws {
        var generator = SeededRandom(seed: 7)
        for _ in 0..<20_000 {
            let double = Double(bitPattern: generator.next())
            if double.isFinite {
                let back = try JSONParser.parse(JSONWriter.bytes(.double(double)))
                #expect(back.double == double && back.double?.sign == double.sign)
            }
            let integer = Int64(bitPattern: generator.next()) >> Int64(generator.next() % 64)
            #expect(try JSONParser.parse(JSONWriter.bytes(.int(integer))) == .int(integer))
        }
    }

    @Test("values that aren't numbers are written as null")
    func nonFinite() {
        #expect(JSONWriter.string([.double(.nan), .double(.infinity)]) == "[null,null]")
    }

    @Test("integers are read from doubles only if nothing is lost")
    func access() {
        #expect(JSONValue.double(3).int == 3)
        #expect(JSONValue.double(3.5).int == nil)
        #expect(JSONValue.double(1e300).int == nil)
        #expect(JSONValue.number("18446744073709551615").int == nil)
        #expect(JSONValue.number("18446744073709551615").double == 0x1p64)
        #expect(JSONValue.string("3").int == nil)
    }
}
