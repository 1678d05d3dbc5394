// The hub's folder: everything a hub keeps lies in it, and one hub at a time works on it.
#pragma once

#include <memory>
#include <string>

#include "store/store.h"
#include "world/random.h"

namespace tombolo::server {

// Makes the folder where it is missing, and holds it as long as this lives. The lock ends with the process, however it ends.
class DataFolder {
public:
    // Throws Error(busy) while another hub holds it, Error(read_only) or Error(io).
    explicit DataFolder(std::string path);
    ~DataFolder();
    DataFolder(const DataFolder&) = delete;
    DataFolder& operator=(const DataFolder&) = delete;

    const std::string& path() const { return path_; }
    // The space's store, DIR/SPACE/space.db, made where it is missing. Which kind of store it is, is decided here.
    std::unique_ptr<store::Store> open_space(const std::string& space, world::Random& random) const;

private:
    std::string path_;
    int lock_ = -1;
};

}  // namespace tombolo::server
