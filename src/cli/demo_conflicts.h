// The act of the demo in which two devices disagree in every way there is.
#pragma once

namespace tombolo::cli {

void demo_conflicts();

}  // namespace tombolo::cli
