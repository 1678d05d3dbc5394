// Private to network/: what the loop is made of.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "network/event_loop.h"

namespace tombolo::network {

struct EventLoop::State {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    boost::asio::signal_set signals{context};
    std::function<void()> stop_task;
};

}  // namespace tombolo::network
