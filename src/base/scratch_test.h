// For tests that make files, and that expect an error.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "tombolo/error.h"

namespace tombolo::scratch {

class TempFolder {
public:
    TempFolder() : path_((std::filesystem::temp_directory_path() / "tombolo-test-XXXXXX").string()) {
        if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a folder in TMPDIR");
    }
    ~TempFolder() { std::filesystem::remove_all(path_); }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

// What `step` throws; ok: nothing.
template <typename Step>
ErrorCode code_of(const Step& step) {
    try {
        step();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::ok;
}

}  // namespace tombolo::scratch
