import Foundation

/// The system's words for why a file could not be read or written, such as "Permission denied": shorter and plainer than Foundation's.
public func systemReason(_ error: any Error) -> String {
    var current: (any Error)? = error
    while let error = current {
        let bridged = error as NSError
        if bridged.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(bridged.code))) }
        if let cocoa = error as? CocoaError, cocoa.code == .fileNoSuchFile || cocoa.code == .fileReadNoSuchFile {
            return String(cString: strerror(ENOENT))
        }
        current = bridged.userInfo[NSUnderlyingErrorKey] as? any Error
    }
    return error.localizedDescription
}
